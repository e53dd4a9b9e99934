"""The audit's page in a browser: hundreds of images are found one's way in, on any width and paper.

`fleet` has every verdict, long names and long reasons.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from dock2uk import audit
from dock2uk.audit.assessment import without
from tests.browser.chromium import Tab
from tests.browser.test_page import CONTRASTS, SCREENSHOTS

IMAGES = 600
WIDTHS = (360, 768, 1440)
HOSTILE = "<img src=x onerror=hacked=1>\u202e</script><script>hacked=1</script>"
REASON = "--bake: secret left out: /var/lib/postgresql/data/: depends on the time: base/1 differs"
SHOWN = "document.querySelectorAll('#images tbody tr:not([hidden])').length"
COUNT = "document.getElementById('filter-count').textContent"


def row(n: int) -> dict[str, Any]:
    verdict = audit.VERDICTS[n % len(audit.VERDICTS)]
    name = f"registry.example.com:5000/{'team-' * (n % 5)}x/image-{n}:1.{n}"
    reasons = () if verdict == "convertible" else (REASON, f"reason {n}")
    one = without(HOSTILE if n == 5 else name, verdict, reasons, HOSTILE if n == 5 else None)
    if n % len(audit.VERDICTS) > 2:
        return one
    before = {"files": 7000 + n, "bytes": 200_000_000 + n * 1000, "packages": 120}
    metrics = [
        {"id": id_, "name": id_, "unit": id_, "before": count, "after": count // 50}
        for id_, count in before.items()
    ]
    program = {"exe": "/usr/lib/postgresql/15/bin/postgres", "argv": ["postgres", "-D", "/x"]}
    program |= {"uid": 101, "ports": [], "method": "recorded run", "confidence": "recorded"}
    risks = [f"any system call may be made: /usr/lib/x86_64-linux-gnu/libc.so.6: {k}" for k in "ab"]
    found = {"program": program, "metrics": metrics, "risks": risks, "risks_unlisted": n}
    return one | found | {"digest": f"sha256:{n:064x}"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "audit.html"
    path.write_text(audit.FORMATS["html"](audit.build([row(n) for n in range(IMAGES)])), "utf-8")
    return path


@pytest.fixture
def opened(tab: Tab, page: Path) -> Tab:
    tab.window(1440, 900)
    tab.scheme("light")
    tab.open(page)
    return tab


def test_nothing_but_the_page_is_asked_for_and_names_are_text(opened: Tab, page: Path) -> None:
    assert opened.requests() == [page.as_uri()]
    assert opened.complaints() == []
    assert opened.value("typeof hacked") == "undefined"
    assert opened.value("document.images.length") == 0


def choose(tab: Tab, field: str, value: str) -> None:
    tab.value(f"""(() => {{ const field = document.getElementById("filter-{field}");
        field.value = {value!r}; field.dispatchEvent(new Event("change")); }})()""")


def test_images_are_found_by_words_and_verdict(opened: Tab) -> None:
    assert opened.value(COUNT) == "600 of 600 images"
    opened.value("document.getElementById('filter-words').focus()")
    opened.call("Input.insertText", text="IMAGE-42: reason")
    assert opened.value(COUNT) == "0 of 600 images"
    opened.value("document.getElementById('filter-words').select()")
    opened.call("Input.insertText", text="Image-44: postgres")
    assert (opened.value(SHOWN), opened.value(COUNT)) == (1, "1 of 600 images")
    opened.value("document.getElementById('filter-words').select()")
    opened.call("Input.insertText", text="image")
    choose(opened, "verdict", "undecided")
    assert opened.value(COUNT) == "100 of 600 images"
    assert opened.value("document.getElementById('filter-count').role") == "status"


def test_images_are_put_into_the_order_that_is_asked_for(opened: Tab) -> None:
    first = "document.querySelector('#images tbody th').textContent.trim().split(/\\s/)[0]"
    listed = opened.value(first)
    choose(opened, "order", "risks")
    assert opened.value(first).endswith("/image-596:1.596")
    choose(opened, "order", "verdict")
    verdicts = (
        "[...document.querySelectorAll('#images tbody tr')].map((one) => one.dataset.verdict)"
    )
    found = opened.value(verdicts)
    assert found == sorted(found, key=audit.VERDICTS.index)
    choose(opened, "order", "")
    assert opened.value(first) == listed


def test_a_keyboard_reaches_the_filter_and_the_folds(opened: Tab) -> None:
    reached = []
    for _ in range(7):
        opened.press("Tab")
        reached.append(opened.value("document.activeElement.id || document.activeElement.tagName"))
    fields = ["filter-words", "filter-verdict", "filter-order"]
    assert reached == ["A", "theme", *fields, "DIV", "SUMMARY"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_verdict_reason_and_risks_can_be_read_at_any_width(
    opened: Tab, scheme: str, width: int
) -> None:
    opened.scheme(scheme)
    opened.window(width, 900)
    assert opened.value("document.documentElement.scrollWidth") <= width
    edge = "document.getElementById('images').getBoundingClientRect().right"
    assert opened.value(edge) <= width
    opened.screenshot(SCREENSHOTS / f"audit-{width}-{scheme}.png")
    opened.value("document.querySelectorAll('tbody tr:nth-child(n+20)').forEach((x) => x.remove())")
    opened.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert opened.value(CONTRASTS) == []


def test_a_verdict_has_the_colour_that_it_has_on_a_terminal(opened: Tab) -> None:
    tones = """Object.fromEntries([...document.querySelectorAll('#images tbody tr')]
        .map((one) => [one.dataset.verdict, one.cells[1].className]))"""
    assert opened.value(tones) == {
        "convertible": "good", "convertible, to be tested": "good",
        "convertible with a change": "good", "undecided": "fair", "not convertible": "bad",
        "not read": "bad",
    }  # fmt: skip


def test_on_paper_no_column_is_cut_and_all_is_open(opened: Tab) -> None:
    opened.scheme("dark", media="print")
    opened.window(1046, 700)  # A4 in landscape without margins of 1 cm, in CSS pixels
    opened.value("dispatchEvent(new Event('beforeprint'))")
    assert opened.value("document.querySelectorAll('details:not([open])').length") == 0
    assert opened.value("getComputedStyle(document.getElementById('filter')).display") == "none"
    assert opened.value("document.getElementById('images').getBoundingClientRect().right") <= 1046
    opened.value("dispatchEvent(new Event('afterprint'))")
    opened.value("document.querySelectorAll('tbody tr:nth-child(n+30)').forEach((x) => x.remove())")
    opened.scheme("light", media="")
    printed = opened.call("Page.printToPDF", preferCSSPageSize=True)
    data = base64.b64decode(printed["data"])
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    (SCREENSHOTS / "audit.pdf").write_bytes(data)
    [width, height] = map(int, re.findall(rb"/MediaBox \[0 0 (\d+) (\d+)\]", data)[0])
    assert width > height


def test_without_javascript_every_row_is_there(opened: Tab, page: Path) -> None:
    opened.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened.open(page)
        shown = opened.value("document.getElementById('filter').checkVisibility()")
        rows = opened.value(SHOWN)
    finally:
        opened.call("Emulation.setScriptExecutionDisabled", value=False)
    assert (shown, rows) == (False, IMAGES)
