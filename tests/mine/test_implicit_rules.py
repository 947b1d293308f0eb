"""Every rule of rules/*.yaml hears its example, does not hear its counter-example, and reads alike in RE2 and Python."""

import re

import pytest

from pipeline.mine import implicit_rules
from tests.mine.ears import exchange, standing

TABLE = implicit_rules.table()
EXAMPLES = [(r.id, e) for r in TABLE.rules for e in (r.example, *r.also)]
COUNTERS = [(r.id, r.counter) for r in TABLE.rules]


@pytest.fixture(scope="module")
def labels() -> dict[str, set[str]]:
    texts = list(dict.fromkeys(text for _, text in EXAMPLES + COUNTERS))
    return dict(zip(texts, standing(*map(exchange, texts)), strict=True))


@pytest.mark.parametrize(("rule", "text"), EXAMPLES)
def test_a_rule_hears_its_example(rule: str, text: str, labels: dict[str, set[str]]) -> None:
    assert rule in labels[text]


@pytest.mark.parametrize(("rule", "text"), COUNTERS)
def test_a_rule_does_not_hear_its_counter_example(rule: str, text: str, labels: dict[str, set[str]]) -> None:
    assert rule not in labels[text]


def test_a_counter_example_is_no_other_feedback_of_a_surer_kind(labels: dict[str, set[str]]) -> None:
    surer = {r.id for r in TABLE.rules if r.class_ in ("complaint", "clarification", "praise")}
    wrong = {text: labels[text] & surer for rule, text in COUNTERS if labels[text] & surer}
    assert wrong == {"That's not what I needed.": {"en/not-what-i-asked"}}


def test_every_class_has_rules_in_both_languages_and_ids_are_unique() -> None:
    assert len({r.id for r in TABLE.rules}) == len(TABLE.rules) > 60
    for language in ("en", "zh"):
        assert {r.class_ for r in TABLE.rules if r.language == language} == set(TABLE.classes)


def test_patterns_are_lower_case_and_read_alike_by_python_and_re2(labels: dict[str, set[str]]) -> None:
    import duckdb

    con = duckdb.connect()
    con.execute("create table said (text varchar)")
    con.executemany("insert into said values (?)", [[text.lower()] for text in labels])
    for rule in TABLE.rules:
        pattern = rule.regex(TABLE.filler)
        assert not re.search(r"(?<!\\)[A-Z]", rule.pattern), rule.id
        ours = {row[0] for row in con.execute("select text from said where regexp_matches(text, $p)", {"p": pattern}).fetchall()}
        assert ours == {t.lower() for t in labels if re.search(pattern, t.lower(), re.ASCII)}, rule.id


def test_the_prefilter_lets_through_whatever_a_rule_hits(labels: dict[str, set[str]]) -> None:
    nets = [re.compile(p, re.ASCII) for p in TABLE.combined().values()]
    for rule, text in EXAMPLES:
        assert any(net.search(text.lower()) for net in nets), rule
