"""The page in a real Chromium, on a phone, on a desk and on paper: nothing is loaded, nothing runs, nothing sticks out."""

from itertools import cycle
from pathlib import Path

import pytest

from pipeline import lineage, recipe
from pipeline.report import run
from tests import lineage_world
from tests.report.browser import CHROMIUM, Browser
from tests.report.poison import CORPUS

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}: apt-get install chromium"),
]

STICKS_OUT = """[...document.querySelectorAll('body *')].filter(e => e.getClientRects().length && !e.closest('svg')
  && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.outerHTML.slice(0, 120))"""
OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"


@pytest.fixture
def browser():
    browser = Browser()
    yield browser
    browser.close()


def pages(home, **options):
    for verdict in ("promote", "hold", "block"):
        world = lineage_world.build(home, verdict, **options)
        made = run.run(world.verdict, recipe.Recipe(), home)
        yield lineage.folder(home, made["id"]) / "index.html"


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_a_page_fits_its_width_and_is_silent(home, browser, width):
    for page in pages(home):
        browser.open(page, width, dark=width == 768)
        assert browser.value("document.title").endswith(page.parent.name)
        browser.value(OPEN_ALL)
        assert browser.value("document.documentElement.scrollWidth") <= width
        assert browser.value(STICKS_OUT) == []
        assert browser.console == []
        assert [r for r in browser.requests if not r.startswith("data:")] == [page.as_uri()]


def test_a_poisoned_page_runs_nothing_loads_nothing_and_still_fits(home, browser):
    poison = cycle(CORPUS)
    for page in pages(home, text=lambda s: f"{s} {next(poison)}" if " " in s else f"{s} {CORPUS[5]}"):
        browser.open(page, 390)
        browser.value(OPEN_ALL)
        assert browser.console == []
        assert [r for r in browser.requests if not r.startswith("data:")] == [page.as_uri()]
        assert browser.value("document.querySelectorAll('script, img, iframe, form, object, embed').length") == 0
        assert browser.value("document.documentElement.scrollWidth") <= 390
        assert browser.value(STICKS_OUT) == []


FOUND = """axe.run().then(r => r.violations.map(v => `${v.impact}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(' | ')}`))"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desk"])
def test_axe_finds_nothing_that_would_keep_a_person_out(home, browser, dark, width):
    """Contrast, names, order of headings, landmarks, tables, keys: what axe-core can tell of WCAG, everything folded open."""
    rules = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed: make")
    script = (Path(rules.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    for page in pages(home):
        browser.open(page, width, dark=dark)
        browser.value(OPEN_ALL)
        browser.value(script + "; 0")
        assert browser.value(FOUND) == []


def test_a_page_prints(home, browser, tmp_path):
    page = list(pages(home))[-1]
    browser.open(page, 1280)
    browser.pdf(tmp_path / "report.pdf")
    paper = (tmp_path / "report.pdf").read_bytes()
    sheets = paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ")
    assert paper.startswith(b"%PDF") and 3 <= sheets <= 12, "what is open on the screen is what is printed"
