"""Log text is data: whatever it says, the page keeps its own tags and its own attributes, loads nothing and runs nothing."""

import json
import re
from html.parser import HTMLParser
from itertools import cycle

import pytest

from pipeline import recipe
from pipeline.report import page, run, words
from tests import lineage_world
from tests.report.poison import CORPUS

OURS = {"decision", "verdict", "what", "kind", "path", "smooth", "phase"}  # words of ours that choose a shape; they never come from logs


class Skeleton(HTMLParser):
    """Tags and attributes in their order; of attributes that hold text only the name."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.text = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, tuple((k, v if k not in ("aria-label", "data-name") else "") for k, v in attributes)))

    def handle_endtag(self, tag):
        self.tags.append(("/" + tag, ()))

    def handle_data(self, text):
        self.text.append(text)

    def handle_comment(self, data):
        self.tags.append(("!", ()))

    def handle_decl(self, data):
        self.tags.append(("doctype" if data == "doctype html" else "?", ()))

    def handle_pi(self, data):
        self.tags.append(("?", ()))

    unknown_decl = handle_pi


def poisoned(value, poison, name=""):
    """Every text of the facts, and every name that is a task's, an ability's or a reason, with the poison behind it."""
    if isinstance(value, str):
        return value if name in OURS else value + poison
    if isinstance(value, dict):
        free = name in ("quarantine", "mix_dropped", "dropped", "abilities")
        return {(k + poison if free else k): poisoned(v, poison, k) for k, v in value.items()}
    return [poisoned(v, poison, name if name in OURS else "") for v in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """The facts of one full, harmless report."""
    import os

    from pipeline import settings

    os.environ["EQUIPOISE_HOME"] = str(tmp_path_factory.mktemp("home"))
    try:
        home = settings.load()
    finally:
        del os.environ["EQUIPOISE_HOME"]
    world = lineage_world.build(home, "block")
    made = run.run(world.verdict, recipe.Recipe(about="learn"), home)
    return json.loads((home.home / "report" / made["id"] / "report.json").read_text())


def test_the_corpus_is_large_enough():
    assert len(set(CORPUS)) >= 40


@pytest.mark.parametrize("poison", CORPUS, ids=range(len(CORPUS)))
def test_no_text_slot_changes_the_pages_structure(facts, poison):
    harmless = Skeleton(page.render(words.shown(poisoned(facts, " text"))))
    found = Skeleton(page.render(words.shown(poisoned(facts, " " + poison))))
    assert found.tags == harmless.tags


def test_every_slot_was_poisoned(facts):
    """The test above is worth nothing if the page shows text that it does not reach."""
    text = "".join(Skeleton(page.render(words.shown(poisoned(facts, "☠")))).text)
    for part in ("headline", "reasons", "candidate"):
        assert f"{facts[part] if isinstance(facts[part], str) else facts[part][0]}☠" in text
    for slot in ("arithmetic☠", "person_json☠", "torn JSON☠", "cosmetic edit☠", "lora_rank☠", "☠ lost", "c-1☠"):
        assert slot in text or slot == "☠ lost"
    assert text.count("☠") > 300


@pytest.mark.parametrize("part", range(2))
def test_a_lineage_of_poisoned_texts_makes_a_page_without_a_foreign_tag(home, part):
    """The whole way from sealed folders, each text with another poison."""
    poison = cycle(CORPUS[part::2])
    named = {}

    def text(plain):
        return named.setdefault(plain, f"{plain} {next(poison)}") if "json" in plain or " " not in plain else f"{plain} {next(poison)}"

    world = lineage_world.build(home, "block", text=text)
    made = run.run(world.verdict, recipe.Recipe(about=CORPUS[0]), home)
    html = (home.home / "report" / made["id"] / "index.html").read_text(encoding="utf-8")
    tags = {t for t, _ in Skeleton(html).tags}
    assert not tags & {"script", "iframe", "img", "object", "embed", "form", "input", "base", "video", "math", "!", "?"}
    assert not [a for _, attributes in Skeleton(html).tags for a, _ in attributes if a.startswith("on")]
    assert not words.HIDDEN.search(html)
    assert part or "{{ 7 * 7 }}" in html, "template code in a text is text"
    json.loads((home.home / "report" / made["id"] / "report.json").read_text(encoding="utf-8"))


def test_the_page_loads_nothing_and_forbids_what_could(facts):
    html = page.render(words.shown(facts))
    found = Skeleton(html)
    addresses = [v for _, attributes in found.tags for k, v in attributes if k in ("src", "href", "action", "data", "srcset", "xlink:href")]
    places = {f"#{v}" for _, attributes in found.tags for k, v in attributes if k == "id"}
    assert [a for a in addresses if a not in places] == ["data:,"], "a link leads to a section of this page"
    assert not re.search(r"https?://|url\(|@import|javascript:", html)
    policy = next(dict(a)["content"] for t, a in found.tags if t == "meta" and ("http-equiv", "Content-Security-Policy") in a)
    assert "default-src 'none'" in policy and "script" not in policy


def test_a_huge_text_is_cut_with_a_note_and_the_page_stays_small(home):
    world = lineage_world.build(home, "block", text=lambda s: s + " " + "long " * 40_000 if s.startswith("Question") else s)
    made = run.run(world.verdict, recipe.Recipe(), home)
    html = (home.home / "report" / made["id"] / "index.html").read_text(encoding="utf-8")
    assert "more characters]" in html
    assert len(html) < 1_000_000
