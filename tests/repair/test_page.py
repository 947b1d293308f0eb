"""The page of a repaired candidate says what was tried, what it cost and what it kept."""

from html.parser import HTMLParser

import pytest

from pipeline import beside, lineage
from pipeline.report import charts, mending
from pipeline.report import run as report
from tests.repair import world


class Counts(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.found: dict[str, int] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.found[tag] = self.found.get(tag, 0) + 1


def page(place, id: str) -> str:
    made = report.run(id, world.recipe(), place)
    return (lineage.folder(place, made["id"]) / "index.html").read_text(encoding="utf-8")


def test_the_repaired_candidates_page_shows_every_try_and_what_was_kept(mended) -> None:
    place, found, _ = mended
    text = page(place, found["id"])
    section = text[text.index('<section id="repair">') : text.index('<section id="items">')]
    for tried in found["tries"]:
        assert f">{tried['name']}" in section
    assert f'This candidate mends the one that <span class="id">{found["verdict"]}</span> blocked' in section
    assert "of what the blocked candidate gains there" in section
    assert Counts(section).found["circle"] == len(found["tries"]) + section.count('<circle cx="12"')


def test_the_blocked_candidates_page_is_made_anew_when_it_was_repaired(mended) -> None:
    place, found, _ = mended
    after = report.run(found["verdict"], world.recipe(), place)["id"]
    path = beside.folder(place, "repair", found["verdict"]) / "repair.json"
    hidden = path.with_suffix(".hidden")
    path.rename(hidden)
    try:
        before = report.run(found["verdict"], world.recipe(), place)["id"]
        text = (lineage.folder(place, before) / "index.html").read_text(encoding="utf-8")
    finally:
        hidden.rename(path)
    assert before != after and 'id="repair"' not in text
    assert f"equipoise repair {found['verdict']}" in text, "a blocked candidate's page says how to have it mended"
    mended_since = (lineage.folder(place, after) / "index.html").read_text(encoding="utf-8")
    assert f"equipoise repair {found['verdict']}" not in mended_since and f"equipoise report {found['id']}" in mended_since
    assert f"It was mended: {found['judged']['model']} has a verdict (promote)" in mended_since


def test_nobody_tried_nothing_is_shown() -> None:
    assert mending.of(None, "verdict-20261120-00000000") is None


def test_what_gains_most_stands_highest_and_what_loses_most_farthest_right() -> None:
    rows = [{"name": n, "gain": g, "worst": w} for n, g, w in (("a", 0.1, 0.0), ("b", 0.3, 0.05), ("c", 0.2, 0.1))]
    found = charts.scatter(rows, ["a", "b"])
    places = {p["name"]: (p["x"], p["y"]) for p in found["points"]}
    assert places["b"][1] < places["c"][1] < places["a"][1] and places["a"][0] < places["b"][0] < places["c"][0]
    assert found["segments"] == [(*places["a"], *places["b"])]
    assert all(0 <= v <= 100 for p in places.values() for v in p)
    zero = {t["value"]: t["at"] for t in found["across"]}[0]
    assert places["a"][0] == pytest.approx(zero)
