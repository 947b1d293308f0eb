"""What is remembered between questions: exact requests, whole pages, and nothing that cannot be trusted."""

from types import SimpleNamespace

from pipeline.evaluate.memory import Remembering, recall, write_down


def request(doc_id, text, repeat_of=None):
    return repeat_of or SimpleNamespace(task_name="t", doc_id=doc_id, args=(text, {"max_gen_toks": 4}), idx=0)


class Counting:
    apply_chat_template = None

    def __init__(self):
        self.seen = []

    def answer(self, kind, requests):
        self.seen.append([r.args[0] for r in requests])
        return [f"{r.args[0]}!{len(self.seen)}" for r in requests]


def lm(folder, answerer):
    return Remembering(answerer, folder, 2, "model-x")


def test_answers_come_back_in_the_order_of_the_questions(tmp_path):
    asked = [request(n, "x" * n) for n in (1, 5, 3)]
    assert [a.split("!")[0] for a in lm(tmp_path, Counting()).generate_until(asked)] == ["x", "xxxxx", "xxx"]


def test_a_batch_keeps_its_company_when_some_of_it_is_known(tmp_path):
    """Batches are cut over all documents, so what is left after a kill is padded by the same neighbours as in one go."""
    asked = [request(n, "x" * n) for n in (6, 5, 4, 3, 2, 1)]
    whole, rest = Counting(), Counting()
    lm(tmp_path / "a", whole).generate_until(asked)
    lm(tmp_path / "b", Counting()).generate_until(asked[:2])
    lm(tmp_path / "b", rest).generate_until(asked)
    assert whole.seen[1:] == rest.seen


def test_repeats_of_one_request_have_answers_of_their_own(tmp_path):
    one = request(1, "x")
    first = lm(tmp_path, Counting())
    assert len(first.generate_until([one, one, one])) == 3
    again = Counting()
    lm(tmp_path, again).generate_until([one, one, one])
    assert again.seen == []


def test_other_generation_settings_are_another_question(tmp_path):
    lm(tmp_path, Counting()).generate_until([request(1, "x")])
    other, answerer = request(1, "x"), Counting()
    other.args = ("x", {"max_gen_toks": 5})
    lm(tmp_path, answerer).generate_until([other])
    assert answerer.seen == [["x"]]


def test_a_page_whose_words_were_altered_is_passed_over(tmp_path):
    write_down(tmp_path, "generate_until", {"k": "right"})
    [page] = tmp_path.glob("*.json")
    assert recall(tmp_path, "generate_until") == {"k": "right"}
    page.write_text(page.read_text().replace("right", "wrong"))
    assert recall(tmp_path, "generate_until") == {}


def test_a_page_of_another_kind_or_of_nonsense_is_passed_over(tmp_path):
    write_down(tmp_path, "loglikelihood", {"k": [-1.0, True]})
    (tmp_path / "x.json").write_bytes(b"\xff[]")
    (tmp_path / "y.json").write_text("[]")
    assert recall(tmp_path, "generate_until") == {}
    assert recall(tmp_path, "loglikelihood") == {"k": [-1.0, True]}


def test_whoever_waits_is_told_the_model_the_task_and_the_items(tmp_path, capsys):
    lm(tmp_path, Counting()).generate_until([request(1, "x")])
    lm(tmp_path, Counting()).generate_until([request(1, "x"), request(2, "y"), request(3, "z")])
    assert capsys.readouterr().err.splitlines()[-1] == "model-x: t (1 of 1 by generate_until): 2 items to ask, 1 known"
