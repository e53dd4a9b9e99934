"""What is known about particular programs, as data: one TOML file each, its reason written in it.

A recipe is chosen by facts about the resolved program, never by an image's name. Every key is
checked at load; an unknown one is an error that names the file and the key.

    reason = "why"                        # goes into the report
    write_execute = "why"                 # optional: memory may be writable and executable at once
    memory_mb = 256                       # optional: what it needs beside its image, if much
    [match]
    executable = "server"                 # basename of the resolved program
    [argument]                            # optional: one argument more
    option = "-o"                         # appended to this option's value, or given with it
    append = "single on;"
    unless = "single"                     # a word that says it is decided: in the arguments,
    unless_in = ["/etc/server.conf"]      # or in one of these files
    without = ["processes"]               # optional: parts of the runtime (runtime.toml) that it
                                          # then has no use for, whatever its files import
    [keep]                                # optional: what no general rule finds
    paths = ["/usr/share/server"]         # with all they hold
    directories = ["/run/server"]         # made when the image has none
    accounts = ["server"]
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ..errors import Dock2ukError
from ..model import AppliedRecipe, Tree

_TOP_KEYS = {
    "reason": str,
    "write_execute": str,
    "memory_mb": int,
    "without": list,
    "match": dict,
    "argument": dict,
    "keep": dict,
}
_MATCH_KEYS = {"executable": str}
_ARGUMENT_KEYS = {"option": str, "append": str, "unless": str, "unless_in": list}
_KEEP_KEYS = {"paths": list, "directories": list, "accounts": list}


class RecipeError(Dock2ukError):
    """A recipe file does not follow the schema."""


@dataclass(frozen=True, slots=True)
class AddedArgument:
    """Append text to the value of an option, giving the option when it is not there."""

    option: str
    append: str
    unless: str  # a word that says it is decided already
    unless_in: tuple[str, ...] = ()  # the files, beside the arguments, that could say so

    def is_decided(self, tree: Tree, argv: tuple[str, ...]) -> bool:
        """Whether the arguments or a file of the image have the word."""
        texts = [*argv[1:], *(_text_of(tree, path) for path in self.unless_in)]
        return any(self.unless in re.sub(r"#.*", "", text) for text in texts)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One file of this directory."""

    name: str  # the file's name without .toml
    reason: str
    executable: str  # basename of the resolved program
    argument: AddedArgument | None = None
    paths: tuple[str, ...] = ()  # kept, directories with all they hold
    directories: tuple[str, ...] = ()  # exist in the result, empty when the image has none
    accounts: tuple[str, ...] = ()  # kept in passwd and group
    without: tuple[str, ...] = ()  # parts of the runtime it has no use for
    write_execute: str = ""  # why memory may be writable and executable at once
    memory_mb: int = 0  # needed beside the image; 0 is no more than others need

    def changed_argv(self, tree: Tree, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The arguments with the recipe's own; the same ones when it is decided already."""
        added = self.argument
        if added is None or added.is_decided(tree, argv):
            return argv
        if added.option not in argv[1:-1]:
            return (*argv, added.option, added.append)
        index = argv.index(added.option, 1) + 1
        return (*argv[:index], f"{argv[index].rstrip()} {added.append}", *argv[index + 1 :])

    def applied(self, change: str) -> AppliedRecipe:
        return AppliedRecipe(self.name, self.reason, change, self.write_execute)


def apply_recipes(
    tree: Tree, exe: str, argv: tuple[str, ...], recipes: Iterable[Recipe]
) -> tuple[tuple[str, ...], tuple[AppliedRecipe, ...]]:
    """The arguments after every one of `recipes` for this program, and those that apply."""
    applied = []
    for recipe in recipes:
        if recipe.executable != posixpath.basename(exe):
            continue
        changed = recipe.changed_argv(tree, argv)
        changes = [f"argv {list(argv)} became {list(changed)}"] if changed != argv else []
        named = (*recipe.paths, *recipe.directories, *recipe.accounts)
        changes += [f"keeps {', '.join(named)}"] if named else []
        if recipe.write_execute:
            changes.append("may have memory that is writable and executable at once")
        if recipe.memory_mb:
            changes.append(f"is given {recipe.memory_mb} MB of memory beside its image")
        if changes:
            applied.append(recipe.applied("; ".join(changes)))
        argv = changed
    return argv, tuple(applied)


def chosen(applied: Iterable[AppliedRecipe]) -> tuple[Recipe, ...]:
    """The recipes that an Entrypoint says were applied, in full."""
    names = {recipe.name for recipe in applied}
    return tuple(recipe for recipe in load_recipes() if recipe.name in names)


@cache
def load_recipes() -> tuple[Recipe, ...]:
    """Every recipe of this directory, in name order."""
    files = sorted(
        (entry for entry in resources.files(__package__).iterdir() if entry.name.endswith(".toml")),
        key=lambda entry: entry.name,
    )
    return tuple(parse_recipe(entry.name, entry.read_text("utf-8")) for entry in files)


def parse_recipe(file_name: str, text: str) -> Recipe:
    """A recipe from its text; RecipeError names the file and the key."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise RecipeError(f"{file_name}: {problem}") from problem
    top = _checked(file_name, "", document, _TOP_KEYS)
    match = _checked(file_name, "match.", top.get("match", {}), _MATCH_KEYS)
    argument = _checked(file_name, "argument.", top.get("argument", {}), _ARGUMENT_KEYS)
    keep = _checked(file_name, "keep.", top.get("keep", {}), _KEEP_KEYS)
    _require(file_name, "", top, ("reason",))
    _require(file_name, "match.", match, tuple(_MATCH_KEYS))
    if argument:
        _require(file_name, "argument.", argument, ("option", "append", "unless"))
    return Recipe(
        name=file_name.removesuffix(".toml"),
        reason=" ".join(top["reason"].split()),
        executable=match["executable"],
        argument=_added_argument(argument) if argument else None,
        paths=tuple(keep.get("paths", ())),
        directories=tuple(keep.get("directories", ())),
        accounts=tuple(keep.get("accounts", ())),
        without=tuple(top.get("without", ())),
        write_execute=" ".join(top.get("write_execute", "").split()),
        memory_mb=top.get("memory_mb", 0),
    )


def _added_argument(table: Mapping[str, Any]) -> AddedArgument:
    unless_in = tuple(table.get("unless_in", ()))
    return AddedArgument(table["option"], table["append"], table["unless"], unless_in)


def _text_of(tree: Tree, path: str) -> str:
    node = tree.resolve(path)
    content = node.content if node is not None else None
    return content.read().decode("utf-8", "replace") if content is not None else ""


def _checked(
    file_name: str, prefix: str, table: Mapping[str, Any], known: Mapping[str, type]
) -> Mapping[str, Any]:
    for key, value in table.items():
        if key not in known:
            names = ", ".join(prefix + name for name in known)
            raise RecipeError(f"{file_name}: unknown key {prefix}{key}", hint=f"known: {names}")
        is_words = not isinstance(value, list) or all(isinstance(word, str) for word in value)
        if not isinstance(value, known[key]) or not is_words:
            raise RecipeError(f"{file_name}: {prefix}{key} has the wrong type: {value!r}")
    return table


def _require(file_name: str, prefix: str, table: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        if not table.get(key):
            raise RecipeError(f"{file_name}: {prefix}{key} is missing")
