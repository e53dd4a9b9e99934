"""Recipes: what they change, and that a wrong file is refused by name and key."""

from __future__ import annotations

import pytest
from trees import tree

from dock2uk.recipes import RecipeError, apply_recipes, load_recipes, parse_recipe

GOOD = """
reason = "because"
[match]
executable = "server"
[argument]
option = "-g"
append = "single on;"
unless = "single"
unless_in = ["/etc/server.conf"]
"""
EMPTY = tree({})


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("server",), ("server", "-g", "single on;")),
        (("server", "-g", "a on;", "-x"), ("server", "-g", "a on; single on;", "-x")),
        (("server", "-g", "single off;"), ("server", "-g", "single off;")),
        (("server", "-g"), ("server", "-g", "-g", "single on;")),
    ],
)
def test_added_argument(argv: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert parse_recipe("x.toml", GOOD).changed_argv(EMPTY, argv) == expected


def test_a_file_that_decides_it_leaves_the_arguments_alone() -> None:
    recipe = parse_recipe("x.toml", GOOD)
    decided = tree({"/etc/server.conf": "# a comment\nsingle off;\n"})
    commented = tree({"/etc/server.conf": "# single off;\n"})
    assert recipe.changed_argv(decided, ("server",)) == ("server",)
    assert recipe.changed_argv(commented, ("server",)) == ("server", "-g", "single on;")


def test_memory_may_be_writable_and_executable_only_where_a_recipe_says_why() -> None:
    recipe = parse_recipe("x.toml", "write_execute = '''it\n  compiles'''\n" + GOOD)
    assert recipe.applied("change").write_execute == "it compiles"
    assert parse_recipe("x.toml", GOOD).applied("change").write_execute == ""


def test_the_permission_alone_makes_a_recipe_apply() -> None:
    text = 'reason = "r"\nwrite_execute = "w"\n[match]\nexecutable = "server"\n'
    recipe = parse_recipe("x.toml", text)
    argv, applied = apply_recipes(EMPTY, "/bin/server", ("server",), (recipe,))
    assert (argv, [one.write_execute for one in applied]) == (("server",), ["w"])
    assert "writable and executable" in applied[0].change


def test_every_recipe_loads_and_gives_a_reason() -> None:
    recipes = load_recipes()
    assert recipes
    assert all(len(recipe.reason) > 40 for recipe in recipes)


def test_recipes_go_by_the_program_not_by_its_path_or_arguments() -> None:
    name = load_recipes()[0].executable
    assert apply_recipes(EMPTY, f"/opt/x/{name}", (name,), load_recipes())[1]
    given = (name, name)
    assert apply_recipes(EMPTY, "/usr/bin/other", given, load_recipes()) == (given, ())
    assert apply_recipes(EMPTY, f"/opt/x/{name}", given, ()) == (given, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "extra = 1", "x.toml: unknown key argument.extra"),
        ("colour = 1\n" + GOOD, "x.toml: unknown key colour"),
        (GOOD.replace('reason = "because"', ""), "x.toml: reason is missing"),
        ("write_execute = true\n" + GOOD, "x.toml: write_execute has the wrong type: True"),
        (GOOD.replace('"because"', "3"), "x.toml: reason has the wrong type: 3"),
        (GOOD.replace('unless = "single"\n', ""), "x.toml: argument.unless is missing"),
        (GOOD.replace('executable = "server"', ""), "x.toml: match.executable is missing"),
        (GOOD + "[keep]\npaths = [1]", "x.toml: keep.paths has the wrong type: [1]"),
        ("reason = ", "x.toml: "),
    ],
)
def test_a_wrong_recipe_is_named(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe("x.toml", text)
    assert caught.value.message.startswith(message)
