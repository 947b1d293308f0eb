"""The page in a real Chromium, on a phone, on a desk and on paper: nothing is loaded, nothing runs, nothing sticks out."""

from itertools import cycle

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


def test_text_and_its_ground_differ_enough_to_be_read(home, browser):
    """WCAG AA asks 4.5 : 1 for text, computed here from the colours that the browser used."""
    contrast = """(() => {
      const rgb = c => c.match(/[\\d.]+/g).slice(0, 3).map(Number);
      const lum = c => rgb(c).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
      const ground = e => { for (; e; e = e.parentElement) { const b = getComputedStyle(e).backgroundColor; if (b !== 'rgba(0, 0, 0, 0)') return b } return 'rgb(255,255,255)' };
      return [...document.querySelectorAll('p, td, th, dt, dd, li, h1, h2, h3, code, small, summary span, .say, .word')].map(e => {
        const a = lum(getComputedStyle(e).color), b = lum(ground(e));
        return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.outerHTML.slice(0, 80)] }).filter(x => x[0] < 4.5) })()"""
    for page in pages(home):
        for dark in (False, True):
            browser.open(page, 1280, dark=dark)
            assert browser.value(contrast) == []


def test_a_page_prints(home, browser, tmp_path):
    page = list(pages(home))[-1]
    browser.open(page, 1280)
    browser.pdf(tmp_path / "report.pdf")
    paper = (tmp_path / "report.pdf").read_bytes()
    sheets = paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ")
    assert paper.startswith(b"%PDF") and 3 <= sheets <= 12, "what is open on the screen is what is printed"
