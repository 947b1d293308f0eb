"""`equipoise probe`: bad cases of sealed scores, looked into one by one with the models at hand, and the record of what was found.

A case is written down as soon as it is done: a killed run goes on with the next. The record (pipeline/beside.py) holds figures and places.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import beside, chat, lineage, recipe, weights
from pipeline.causes import taught
from pipeline.causes.taught import bare
from pipeline.errors import BadInput, Permanent
from pipeline.evaluate import badcases, halves, lmeval, scorer
from pipeline.evaluate.badcases import Case
from pipeline.evaluate.probe import Asking, Lesson, examine
from pipeline.evaluate.questions import Questions
from pipeline.evaluate.tokenwise import Tokenwise
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings

VERSION = 1  # raise it when the same case should be measured or classed otherwise

Row = dict[str, Any]
Variants = Callable[[str, Collection[str], str], dict[str, str]]
"""(question, words to leave alone, seed) -> the question in other words, by the way it was changed."""


@dataclass(frozen=True)
class Scores:
    """Whose bad cases, and against whom they are bad."""

    candidate: str
    champion: str
    manifest: Row

    @classmethod
    def of(cls, settings: Settings, id: str) -> "Scores":
        """From a verdict, or from a candidate's scores."""
        if lineage.kind_of(id) == "verdict":
            named = beside.verdict(settings, id)[1]["scores"]
            candidate, champion = named["candidate"], named["champion"]
        else:
            candidate = id
            champion = (lineage.require(settings, id, "scores").get("references") or {}).get("champion")
        manifest = lineage.require(settings, candidate, "scores")
        if manifest.get("rows") or manifest["model"] in (None, "origin") or not champion:
            raise BadInput(f"{id} holds no answers of a candidate: name a verdict-… id, or the scores-… id of a model that was trained")
        lineage.require(settings, champion, "scores")
        return cls(candidate, champion, manifest)


def run(id: str, settings: Settings, most: int, variants: Variants) -> Row:
    """Probe at most `most` bad cases. Running it twice changes nothing and asks nobody."""
    scores = Scores.of(settings, id)
    model = scores.manifest["model"]
    lesson = Recipe.model_validate(scores.manifest["recipe"])
    questions = Questions(settings, model, lesson)
    wanted = {"version": VERSION, "items": most, "scores": [scores.candidate, scores.champion], "model": model}
    wanted |= {"weights": {m: questions.weights(m) for m in (model, "origin")}, "machine": questions.machine}
    known = beside.read(settings, "probe", id)
    if known and known["asked"] == wanted:
        return known
    table = {who: _rows(settings, scored) for who, scored in (("candidate", scores.candidate), ("champion", scores.champion))}
    picked = badcases.drawn(table["candidate"], table["champion"], scores.manifest["abilities"], most)
    found = _examined(questions, wanted, picked, variants) if picked else []
    classes = dict(Counter(e["class"] for e in found).most_common())
    return beside.write(settings, "probe", id, {"asked": wanted, "model": model, "classes": classes, "cases": found})


def _rows(settings: Settings, scored: str) -> list[Row]:
    import pyarrow.parquet as pq

    return pq.read_table(lineage.folder(settings, scored) / "items.parquet").to_pylist()


def _examined(questions: Questions, wanted: Row, picked: Sequence[tuple[str, str, Row]], variants: Variants) -> list[Row]:
    settings = questions.settings
    cases = [case for case in (_case(questions, *one) for one in picked) if case]
    folder = lineage.scratch(settings, f"probe-{recipe.digest(wanted)[:16]}")
    paths = [folder / f"{n:04d}.json" for n in range(len(cases))]
    if not all(path.exists() for path in paths):
        render = chat.template(scorer.vocabulary(settings, questions.model))
        lesson = taught_by(settings, questions.model, render)
        minds = {who: _mind(settings, who, questions) for who in dict.fromkeys((questions.model, "origin"))}
        for n, (path, case) in enumerate(zip(paths, cases, strict=True), 1):
            if not path.exists():
                say(f"probe: {n} of {len(cases)}: {case.name}")
                asking = _asking(case, questions, render, variants)
                found = examine(case, asking, minds[questions.model], minds["origin"], lesson, texts=case.kind != "target")
                lineage.write_json(path, found)
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def _mind(settings: Settings, model: str, questions: Questions) -> Tokenwise:
    say(f"{model}: loading")
    return Tokenwise(*weights.load(settings, model, questions.lesson.evaluation.dtype), batch=questions.lesson.evaluation.batch_size)


def taught_by(settings: Settings, model: str, render: chat.Template) -> Lesson:
    """What the model's own mix taught; replay of general rows explains no mistake."""
    import pyarrow.parquet as pq

    mix = lineage.lesson(settings, model)
    paths = {kind: lineage.folder(settings, mix) / f"{kind}.parquet" for kind in taught.KINDS} if mix else {}
    tables = {kind: [r for r in pq.read_table(path).to_pylist() if r["task"] != "general"] for kind, path in paths.items() if path.exists()}
    read: dict[str, tuple[str, str]] = {}
    for kind, rows in tables.items():
        for row in rows:
            asked, answer = taught.turns(row, kind)
            read.setdefault(row["example_id"], (render.text(asked, add_generation_prompt=True), "\n".join(map(taught.text, answer))))
    return Lesson(taught.of(tables), read)


def _case(questions: Questions, side: str, kind: str, row: Row) -> Case | None:
    """The item with its choices, or with the rule that judges what is written, from the suite as it stands.

    None for what is neither: questions whose choices stand in the prompt, and whole texts.
    """
    battery = next((b for b in questions.batteries if row["benchmark"] in b.tasks), None)
    task: Any = battery.tasks[row["benchmark"]] if battery else None
    doc = task.eval_docs[row["doc_id"]] if battery and row["doc_id"] < len(task.eval_docs) else None
    if doc is None or halves.doc_hash(doc) != row["doc_hash"]:
        raise Permanent(
            f"{row['benchmark']}/{row['doc_id']} is no item of the suite any more: put the suite back as it was, or evaluate anew"
        )
    facts = {"name": f"{row['benchmark']}/{row['doc_id']}", "ability": row["ability"], "kind": kind, "side": side, "prompt": row["prompt"]}
    facts |= {"gold": row["target"], "given": row["response"]}
    if task.OUTPUT_TYPE == "generate_until":
        most = (task.config.generation_kwargs or {}).get("max_gen_toks") or questions.lesson.evaluation.max_new_tokens
        return Case(**facts, right=_judge(task, doc, row), most=int(most))
    if task.OUTPUT_TYPE != "multiple_choice" or task.multiple_input:
        say(f"{facts['name']}: left out, probe reads choices after one prompt and written answers")
        return None
    with lmeval.quiet():
        asked = task.construct_requests(doc, row["prompt"], apply_chat_template=battery.chat if battery else False)
    return Case(**facts, choices=tuple((str(a.args[0]), str(a.args[1])) for a in asked))


def _judge(task: Any, doc: Row, row: Row) -> Callable[[str], bool]:
    """lm-eval's own way from a text to the metric that decides, through the filter that decides."""
    from lm_eval.api.instance import Instance

    stops = [s for s in (task.config.generation_kwargs or {}).get("until") or [] if s]

    def right(text: str) -> bool:
        for stop in stops:
            text = text.split(stop, maxsplit=1)[0]
        one = Instance(request_type="generate_until", doc=doc, arguments=(row["prompt"], {}), idx=0)
        one.resps = [text]
        for chosen in task._filters:
            if chosen.name == row["filter"]:
                chosen.apply([one])
        value = task.process_results(doc, [one.filtered_resps.get(row["filter"], text)])[row["metric"]]
        return bool(value == 1)

    return right


def _asking(case: Case, questions: Questions, render: chat.Template, variants: Variants) -> Asking:
    spans = badcases.spans(case.prompt, lambda messages: render.text(messages, add_generation_prompt=True))
    start, end = max(spans, key=lambda span: span[1] - span[0])
    keep = {word for text in (case.gold, case.given) for word in bare(text).split()}
    worded = variants(case.prompt[start:end], keep, case.name).values()
    prompts = [case.prompt[:start] + text + case.prompt[end:] for text in worded]
    card = questions.cards.get(case.ability)
    return Asking(spans, prompts, _reversed(card, case, case.prompt[slice(*spans[0])], render))


def _reversed(card: recipe.Task | None, case: Case, question: str, render: chat.Template) -> tuple[str, str] | None:
    found = re.search(card.reverse.subject, question) if card and card.reverse else None
    if not (card and card.reverse and found):
        return None
    system = [{"role": "system", "content": card.system}] if card.system else []
    asked = [*system, {"role": "user", "content": card.reverse.question.replace("{answer}", case.gold)}]
    return render.text(asked, add_generation_prompt=True), found.group("subject").strip()
