"""The report's page in a browser: it asks nobody, all can read it, and it does not stutter."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from dock2uk.report.formats import FORMATS
from tests.browser.chromium import Tab
from tests.unit.test_report import made

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build/screenshots"
PHONE, TABLET, DESKTOP = (360, 780), (768, 1024), (1440, 900)
HOSTILE = "/srv/<img src=x onerror=hacked=1>\u202egnp.</script><script>hacked=1</script>"
ROWS = 10_000
LONGEST_SEARCH_MS = 50

# WCAG 2.2 § 1.4.3, with its relative luminance, over every element that has text of its own.
CONTRASTS = """(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const one of document.body.querySelectorAll("*")) {
    const own = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !one.checkVisibility() || one.matches("script,style,noscript")) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(ground(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push([one.tagName, one.textContent.slice(0, 40), ratio]);
  }
  return low;
})()"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a report with ten thousand files, one of a hostile name."""
    rows = [
        {
            "path": f"/usr/share/doc/package-{n}/file-{n % 97}",
            "because": f"nothing names it, {n % 9}",
        }
        for n in range(ROWS - 1)
    ]
    report: dict[str, Any] = made(None)
    dropped = [{"path": HOSTILE, "because": HOSTILE}, *rows]
    files = {"kept": [], "added": [], "dropped": dropped}
    report |= {"files": files, "notes": [HOSTILE], "packages": many_packages(report)}
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(FORMATS["html"](report), "utf-8")
    return path


def many_packages(report: dict[str, Any]) -> list[dict[str, Any]]:
    package = report["packages"][0]
    names = (f"lib{'long-' * (n % 4)}name{n}" for n in range(40))
    return [
        package | {"name": name, "bytes": 5_000_000 >> n % 9, "bytes_kept": 90_000 * (n % 3)}
        for n, name in enumerate(names)
    ]


@pytest.fixture
def opened(tab: Tab, page: Path) -> Tab:
    tab.window(*DESKTOP)
    tab.scheme("light")
    tab.open(page)
    return tab


def test_nothing_but_the_page_is_asked_for_and_nothing_is_complained_of(
    opened: Tab, page: Path
) -> None:
    assert opened.requests() == [page.as_uri()]
    assert opened.complaints() == []
    assert opened.value("document.compatMode") == "CSS1Compat"


def test_what_an_image_says_is_text(opened: Tab) -> None:
    assert opened.value("typeof hacked") == "undefined"
    assert opened.value("document.images.length") == 0
    shown = opened.value("document.querySelector('#list tbody td').textContent")
    assert shown == HOSTILE.replace("\u202e", "\\u202e")


def search(tab: Tab, words: str) -> float:
    """Type it at once, and give the milliseconds until it was done."""
    return float(
        tab.value(f"""(() => {{
        const field = document.getElementById("words");
        field.value = {words!r};
        const began = performance.now();
        field.dispatchEvent(new Event("input"));
        return performance.now() - began;
    }})()""")
    )


def test_ten_thousand_files_are_searched_at_once(opened: Tab) -> None:
    times_ms = [
        search(opened, words) for words in ("", "e", "file-3", "doc 42", "names it, 5", "zz")
    ]
    assert statistics.median(times_ms) < LONGEST_SEARCH_MS, times_ms
    assert opened.value("document.getElementById('count').textContent") == "0 of 10,000 paths"
    search(opened, "PACKAGE-77/ names")
    assert opened.value("document.querySelectorAll('#list tbody tr').length") == 1
    assert opened.value("document.getElementById('more').hidden")


def test_more_rows_come_when_asked_for(opened: Tab) -> None:
    rows = "document.querySelectorAll('#list tbody tr').length"
    first = opened.value(rows)
    opened.value("document.getElementById('more').click()")
    assert (first, opened.value(rows)) == (200, 400)
    opened.value("""(() => { const choice = document.getElementById("decision");
        choice.value = "kept"; choice.dispatchEvent(new Event("change")); })()""")
    assert opened.value(rows) == 0


def test_the_focus_goes_to_the_first_new_row(opened: Tab) -> None:
    search(opened, "package-1")
    rows, focused = "document.querySelectorAll('#list tbody tr')", "document.activeElement"
    opened.value("document.getElementById('more').focus()")
    opened.value("document.getElementById('more').click()")
    assert opened.value(f"[...{rows}].indexOf({focused})") == 200
    while not opened.value("document.getElementById('more').hidden"):
        opened.value("document.getElementById('more').click()")
    assert opened.value(f"{focused}.tagName") == "TR"


def test_a_row_s_header_is_its_name_alone(opened: Tab) -> None:
    opened.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    headers = "[...document.querySelectorAll('th[scope=row]')]"
    assert opened.value(f"Math.max(...{headers}.map((one) => one.textContent.length))") < 100
    assert opened.value("document.querySelectorAll('th h3, th details').length") == 0


def test_a_link_to_a_figure_opens_what_is_behind_it(opened: Tab) -> None:
    opened.value("location.hash = '#m-setuid'; dispatchEvent(new HashChangeEvent('hashchange'))")
    open_ones = "[...document.querySelectorAll('.behind details[open] summary')]"
    told = opened.value(f"{open_ones}.map((one) => one.textContent)")
    assert told == ["Behind it: setuid files"]
    opened.value("location.hash = ''")


# Words of one element that are on two lines, though each would fit on one.
BROKEN_WORDS = """(() => {
  const broken = [];
  for (const cell of document.querySelectorAll("main th, main td, dd, dt, nav a")) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode());) {
      const hides = "#list, code, .paths, .unseen, details:not([open]) > :not(summary)";
      if (node.parentElement.closest(hides) || !node.parentElement.checkVisibility()) continue;
      for (const match of node.data.matchAll(/[A-Za-z]+/g)) {
        const range = document.createRange();
        range.setStart(node, match.index);
        range.setEnd(node, match.index + match[0].length);
        if (range.getClientRects().length > 1) broken.push(match[0]);
      }
    }
  }
  return broken;
})()"""


def test_a_phone_shows_whole_words_every_link_and_every_column_of_files(opened: Tab) -> None:
    opened.window(*PHONE)
    assert opened.value(BROKEN_WORDS) == []
    right = "(one) => one.getBoundingClientRect().right"
    for cells in ("nav a", "#list tr:nth-child(1) td", "[aria-labelledby=attacks] tbody td"):
        rights = opened.value(f"[...document.querySelectorAll('{cells}')].map({right})")
        assert max(rights) <= PHONE[0], cells
    assert opened.value("document.querySelectorAll('#list [role=cell]').length") == 600
    button, heading = "document.getElementById('theme')", "document.querySelector('h1')"
    tops = "getBoundingClientRect().top"
    assert opened.value(f"{button}.{tops} > {heading}.getBoundingClientRect().bottom")


def test_a_keyboard_is_enough(opened: Tab) -> None:
    opened.press("Tab")
    assert opened.value("document.activeElement.className") == "skip"
    assert opened.value("document.activeElement.getBoundingClientRect().left") >= 0
    opened.press("Tab")
    assert opened.value("document.activeElement.id") == "theme"
    opened.value("document.querySelector('summary').focus()")
    assert opened.value("getComputedStyle(document.activeElement).outlineStyle") != "none"
    opened.value("document.getElementById('words').focus()")
    opened.call("Input.insertText", text="package-9999")
    assert opened.value("document.getElementById('count').textContent") == "0 of 10,000 paths"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [PHONE, TABLET, DESKTOP])
def test_everything_can_be_read(opened: Tab, scheme: str, width: int, height: int) -> None:
    opened.scheme(scheme)
    opened.window(width, height)
    opened.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert opened.value(CONTRASTS) == []
    assert opened.value("document.documentElement.scrollWidth") <= width
    opened.value("document.querySelectorAll('details').forEach((one) => { one.open = false; })")
    picture = opened.screenshot(SCREENSHOTS / f"{width}-{scheme}.png")
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_light_and_dark_can_be_chosen(opened: Tab) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = opened.value(ground)
    opened.value("document.getElementById('theme').click()")
    assert opened.value(ground) != light
    assert opened.value(CONTRASTS) == []
    assert opened.value("document.getElementById('theme').ariaPressed") == "true"
    assert opened.value("document.getElementById('theme').textContent") == "Dark colours"


def test_on_paper_all_is_open_and_nothing_can_be_pressed(opened: Tab) -> None:
    opened.scheme("dark", media="print")
    assert opened.value("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert opened.value("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    opened.value("dispatchEvent(new Event('beforeprint'))")
    assert opened.value("document.querySelectorAll('details:not([open])').length") == 0
    opened.value("dispatchEvent(new Event('afterprint'))")
    assert opened.value("document.querySelectorAll('details[open]').length") == 0


def test_without_javascript_all_but_the_list_is_there(opened: Tab, page: Path) -> None:
    opened.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened.open(page)
        text = opened.value("document.body.innerText")
    finally:
        opened.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "Searching needs JavaScript" in text
    assert "no separation of users" in text
