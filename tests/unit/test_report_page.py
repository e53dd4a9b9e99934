"""The page of HTML, as text: its numbers are report.json's, and it takes nothing from anywhere."""

from __future__ import annotations

import copy
import itertools
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from test_report import document  # noqa: F401 - a fixture
from test_report_formats import HOSTILE, full  # noqa: F401 - a fixture

from dock2uk.report.amounts import amount, change
from dock2uk.report.formats import FORMATS

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Page(HTMLParser):
    """Elements, nested as they should be, and the text of each kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        for tag in set(self.open):
            self.texts.setdefault(tag, []).append(data)


def page_of(report: dict[str, Any]) -> Page:
    return Page(FORMATS["html"](report))


def test_each_path_of_evidence_stands_with_its_rule(document: dict[str, Any]) -> None:  # noqa: F811
    assert "dropped: not needed" in page_of(document).texts["small"]
    older = copy.deepcopy(document)
    for metric in older["metrics"]:
        del metric["evidence"]["because"]
    assert "dropped: not needed" not in page_of(older).texts["small"]


def test_elements_are_nested_and_named_once(full: dict[str, Any]) -> None:  # noqa: F811
    page = page_of(full)
    assert page.open == []
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {attrs.get("href") for tag, attrs in page.elements if tag == "a"}
    assert targets <= {f"#{one}" for one in ids}
    labels = {attrs["aria-labelledby"] for _, attrs in page.elements if "aria-labelledby" in attrs}
    assert labels <= set(ids)


def test_headings_go_down_one_at_a_time(full: dict[str, Any]) -> None:  # noqa: F811
    levels = [int(tag[1]) for tag, _ in page_of(full).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert set(levels) <= {1, 2, 3}
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_nothing_is_fetched_and_nothing_runs_but_ours(full: dict[str, Any]) -> None:  # noqa: F811
    page = page_of(full)
    assert not [attrs for _, attrs in page.elements if attrs.keys() & {"src", "srcset", "style"}]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    [policy] = [attrs["content"] for _, attrs in page.elements if "http-equiv" in attrs]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert [attrs.get("type") for tag, attrs in page.elements if tag == "script"] == [
        "application/json", None,
    ]  # fmt: skip


def test_names_of_an_image_are_text(full: dict[str, Any]) -> None:  # noqa: F811
    rows = full["files"]["kept"] + [{"path": HOSTILE, "because": "</script><!-- " + HOSTILE}]
    report = full | {"files": full["files"] | {"kept": rows}}
    page = page_of(report)
    shown = "".join(page.texts["li"])
    assert "</details><script>&\\udcff\\u001b[31m" in shown
    data = json.loads(page.scripts[0])
    assert data["rows"][len(rows) - 1][1].startswith("/x|y`z\n</details><script>&\\udcff")
    assert FORMATS["html"](report).count("<script") == 2


def test_every_number_of_the_report_is_on_the_page(document: dict[str, Any]) -> None:  # noqa: F811
    page = page_of(document)
    cells = [text.strip() for text in page.texts["td"]]
    for metric in document["metrics"]:
        assert metric["name"] in "".join(page.texts["summary"])
        for when in ("before", "after"):
            assert amount(metric[when], metric["unit"]) in cells
    for package in document["packages"]:
        assert f"{package['files_kept']} of {package['files']}" in cells
    data = json.loads(page.scripts[0])
    counts = {kind: len(document["files"][kind]) for kind in ("kept", "added", "dropped")}
    assert {kind: sum(row[0] == kind for row in data["rows"]) for kind in counts} == counts


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(8, 0, "-100 %"), (7328, 28, "-99.6 %"), (100_000, 1, "-99.9 %"), (4, 2, "-50 %"),
     (0, 3, "new"), (2, 2, ""), (None, 5, ""), (554, 552, "-0.4 %"), (99_999, 100_000, "+0.1 %")],
)  # fmt: skip
def test_what_is_not_all_gone_is_not_said_to_be(before: int | None, after: int, said: str) -> None:
    assert change(before, after) == said


def test_an_older_report_is_shown(full: dict[str, Any]) -> None:  # noqa: F811
    """What came later is not in those that somebody kept."""
    guest = full["interfaces"]["in_guest"]
    later = ("observed", "observed_in", "refused")
    in_guest = {name: value for name, value in guest.items() if name not in later}
    metrics = [
        one | {"evidence": {when: one["evidence"][when] for when in ("before", "after")}}
        for one in full["metrics"]
    ]
    packages = [
        {name: value for name, value in one.items() if name not in ("recorded_in", "purl")}
        for one in full["packages"]
    ]
    older = full | {
        "interfaces": full["interfaces"] | {"in_guest": in_guest},
        "metrics": metrics,
        "packages": packages,
    }
    assert "Recorded in <code>no place that is known" in FORMATS["html"](older)


def test_every_figure_can_be_linked_to_and_every_package_opens(
    full: dict[str, Any],  # noqa: F811
) -> None:
    page = page_of(full)
    ids = {attrs.get("id") for _, attrs in page.elements}
    assert {f"m-{one['id']}" for one in full["metrics"]} <= ids
    charts = FORMATS["html"](full).partition('id="charts"')[2]
    assert '<a href="#m-shells">shells</a>' in charts
    states = [one["state"] for one in full["packages"]]
    assert "removed" in states
    text = FORMATS["html"](full)
    assert [text.count(f"<summary>{state}<span") for state in states] == [1] * len(states)
    assert "None of its 1 files is kept" in text
