"""What rules mean of paths: patterns, links, which of two decides, and what is a mistake."""

from __future__ import annotations

import pytest
from trees import Entry, Link, tree

from dock2uk.errors import Dock2ukError
from dock2uk.model import Rule, Stripping
from dock2uk.path_rules import paths_to_keep, said_of_paths

ENTRIES: dict[str, Entry] = {
    "/srv/app/main.py": "",
    "/srv/app/tests/one.py": "",
    "/srv/app/tests/data/two.txt": "",
    "/srv/current": Link("app"),
    "/usr/lib/b.so": "",
    "/usr/lib/deep/c.so": "",
    "/lib": Link("usr/lib"),
    "/odd/[x]": "",
    "/odd/x": "",
}
TREE = tree(ENTRIES)
EVERYTHING = {node.path for node in TREE}


def kept(pattern: str) -> set[str]:
    return set(paths_to_keep(TREE, Rule(pattern, f"--keep {pattern}")))


def said(keep: tuple[str, ...] = (), drop: tuple[str, ...] = ()) -> tuple[set[str], set[str]]:
    stripping = Stripping(
        keep=tuple(Rule(one, f"keep {one}") for one in keep),
        drop=tuple(Rule(one, f"drop {one}") for one in drop),
    )
    kept, dropped = said_of_paths(TREE, stripping)
    return set(kept), set(dropped)


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("/usr/lib/b.so", {"/usr/lib/b.so"}),
        ("usr/lib/b.so", {"/usr/lib/b.so"}),
        ("/usr/lib/../lib//b.so", {"/usr/lib/b.so"}),
        ("/lib/b.so", {"/usr/lib/b.so"}),  # by the way of a symlink
        ("/usr/lib/*.so", {"/usr/lib/b.so"}),  # stays in one directory
        ("/usr/**/*.so", {"/usr/lib/b.so", "/usr/lib/deep/c.so"}),
        ("**/c.so", {"/usr/lib/deep/c.so"}),
        ("/usr/lib/[ab].so", {"/usr/lib/b.so"}),
        ("/odd/[[]x]", {"/odd/[x]"}),
        ("/odd/?", {"/odd/x"}),
    ],
)
def test_what_a_pattern_means(pattern: str, paths: set[str]) -> None:
    assert kept(pattern) == paths


def test_a_directory_brings_all_it_holds_and_a_link_where_it_leads() -> None:
    app = {path for path in EVERYTHING if path.startswith("/srv/app")}
    assert kept("/srv/app") == app
    assert kept("/srv/current") == app | {"/srv/current"}
    assert kept("/") == EVERYTHING


def test_what_drops_does_not_follow_links() -> None:
    assert said(drop=("/srv/current",)) == (set(), {"/srv/current"})


def test_the_longer_path_decides() -> None:
    tests = {path for path in EVERYTHING if path.startswith("/srv/app/tests")}
    keeps, drops = said(keep=("/srv/app",), drop=("/srv/app/tests",))
    assert drops == tests
    assert keeps == {"/srv/app", "/srv/app/main.py"}
    keeps, drops = said(keep=("/srv/app/tests/one.py",), drop=("/srv/app",))
    assert keeps == {"/srv/app/tests/one.py"}
    assert drops == {"/srv/app", "/srv/app/main.py"} | tests - keeps


def test_of_two_as_long_the_one_that_drops_decides() -> None:
    assert said(keep=("/odd/x",), drop=("/odd/?",)) == (set(), {"/odd/x"})


def test_no_path_is_said_twice_whatever_the_rules() -> None:
    patterns = ("/srv", "/srv/app", "/srv/app/*", "/srv/**", "/usr/lib/b.so", "/lib", "/odd/?")
    for keep in patterns:
        for drop in patterns:
            keeps, drops = said(keep=(keep, "/usr"), drop=(drop, "/odd/x"))
            assert not keeps & drops


def test_the_reason_names_where_the_rule_stands() -> None:
    rule = Rule("/odd/x", ".dock2uk.toml: keep /odd/x", "asked for by name")
    reasons, _ = said_of_paths(TREE, Stripping(keep=(rule,)))
    assert reasons == {"/odd/x": ".dock2uk.toml: keep /odd/x: asked for by name"}


@pytest.mark.parametrize("pattern", ["/usr/lib/nothing", "/usr/*.so", "", "/usr/lib/b.so/x"])
def test_a_pattern_that_means_nothing_is_a_mistake(pattern: str) -> None:
    if not pattern:
        assert kept(pattern) == EVERYTHING  # the root directory
        return
    with pytest.raises(Dock2ukError, match="no such path"):
        kept(pattern)


def test_a_typing_mistake_is_told_what_is_near() -> None:
    with pytest.raises(Dock2ukError) as caught:
        kept("/srv/app/mian.py")
    assert caught.value.hint == "did you mean /srv/app/main.py?"
