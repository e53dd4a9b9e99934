"""Tests, caches and build tools in module trees: left out where nobody names them."""

from __future__ import annotations

import pytest
from test_analyse import run
from test_module_trees import FIELDS, LIBRARY, PACKAGES, packaged
from trees import Entry, tree

from dock2uk.analyse.spare_modules import spare

SITE = "/usr/lib/lang3.1/site"
TESTS = f"{SITE}/shop/tests"
BASE: dict[str, Entry] = {
    f"{SITE}/shop/__init__.py": "",
    f"{SITE}/shop/cart.py": "import shop.price",
    f"{TESTS}/__init__.py": "",
    f"{TESTS}/test_cart.py": "from shop.tests import helper",
}


def left_out(more: dict[str, Entry], words: bytes = b"") -> set[str]:
    entries = BASE | more
    sources = [path for path in entries if path.endswith((".py", ".pyc", ".js"))]
    return set(spare(tree(entries), entries, sources, words))


def test_nobody_but_themselves_names_them() -> None:
    assert left_out({f"{TESTS}/data/x.json": "{}"}) == {
        f"{TESTS}/__init__.py", f"{TESTS}/test_cart.py", f"{TESTS}/data/x.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{SITE}/shop/cart.py", "from .tests import helper"),
        (f"{SITE}/shop/cart.py", "from . import tests"),
        (f"{SITE}/shop/cart.py", "open(HERE + '/tests/x')"),
        (f"{SITE}/shop/cart.py", "join(HERE, 'tests')"),
        (f"{SITE}/other.py", "import shop.tests"),
        (f"{SITE}/other.py", "from shop import tests"),
        (f"{SITE}/other.py", "from shop import (\n    cart,\n    tests,\n)"),
        (f"{SITE}/other.py", "load('shop.tests.helper')"),
        (f"{SITE}/other.js", "path.join('shop', 'tests')"),
        (f"{SITE}/shop/cart.pyc", b"\xe3\x00tests\xe4"),
    ],
)
def test_who_names_them_keeps_them(path: str, text: str | bytes) -> None:
    assert left_out({path: text}) == set()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{SITE}/shop/cart.py", "self.tests = contests"),
        (f"{SITE}/other.py", "import tests\nopen('/tests')"),  # some other tests
        (f"{SITE}/shop/__pycache__/cart.pyc", b"tests"),  # its source is what counts
        (f"{SITE}/pip/main.py", "import shop.tests"),  # left out itself
    ],
)
def test_who_means_something_else_does_not(path: str, text: str | bytes) -> None:
    assert f"{TESTS}/test_cart.py" in left_out({path: text})


def test_build_tools_may_be_loaded_by_anybody() -> None:
    tools: dict[str, Entry] = {f"{SITE}/pip/main.py": "", f"{SITE}/wheel/main.py": "import pip"}
    assert {*tools} <= left_out(tools)
    user = {f"{SITE}/shop/price.py": "import wheel"}
    assert not {*tools} & left_out(tools | user)
    assert {*tools} <= left_out(tools | {f"{SITE}/shop/price.py": "the.pip = 'wheel of'"})


def test_what_the_program_is_told_is_kept_and_what_is_on_its_way() -> None:
    assert left_out({}, b"PYTHONPATH=/usr/lib/lang3.1/site/shop/tests") == set()
    assert left_out({"/srv/test/app.py": ""}, b"/srv/test/app.py\ntests") == set()


def test_data_of_such_a_name_is_kept() -> None:
    assert f"{SITE}/shop/spec/api.json" not in left_out({f"{SITE}/shop/spec/api.json": "{}"})
    assert f"{SITE}/.cache/x" in left_out({f"{SITE}/.cache/x": "{}"})


def test_a_tree_of_the_program_s_is_without_them() -> None:
    path = f"{LIBRARY}/http/tests/a.py"
    found = run(packaged(PACKAGES | {"lang": PACKAGES["lang"] | {path: ""}}, **FIELDS))
    assert path not in found.needed
    assert found.left_out == {path: "tests of a module tree, which nothing that is kept names"}
