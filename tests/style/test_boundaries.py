"""The converter's rules about who may know, import, print, exit and start what."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from tests.style.files import REPOSITORY, name, tracked

CONVERTER = REPOSITORY / "converter"
STAGES = (
    "ingest",
    "entrypoint",
    "analyse",
    "strip",
    "match",
    "link",
    "verify",
    "compare",
    "report",
)
# What stages share. `recipes` is data with its reader, `known_programs` lists, `strace` turns
# records into text, `probes` asks whoever is at an address, `packages` and `vulnerabilities` read
# what an image's databases and scanners say, `scenarios` judges what attacks came to; the rest are
# values.
SHARED = {path.stem for path in CONVERTER.glob("*.py")} - {"pipeline", "cli", "guest", "__main__"}
SHARED -= {path.stem for path in CONVERTER.glob("*_options.py")}  # of the command line
SHARED |= {"packages", "probes", "recipes", "scenarios", "secrets", "strace", "vulnerabilities"}
SHARED |= {"__version__"}
SPEAKS = {"cli.py", "guest.py", "__main__.py"}  # guest.py is a command of its own, for developers
FILES = tracked("converter/*.py")
STAGE_FILES = [path for path in FILES if path.relative_to(CONVERTER).parts[0] in STAGES]
# Inside the sandbox a process in its namespaces becomes two, and one the container's program; that
# is no program of this machine, and subprocess can do neither.
INSIDE = "converter/entrypoint/record/spawn.py"
# A program's name in a help text's example is no knowledge of it.
EXAMPLES = {"converter/cli.py", "converter/source_options.py"}
# Lists of programs by what they can be used for, and of those that take a password by a letter.
NAMED = {"converter/known_programs.py", "converter/secrets/commands.py"}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def test_a_stage_imports_only_itself_and_what_is_shared() -> None:
    wrong = [
        f"{name(path)}:{node.lineno}"
        for path in STAGE_FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level and _is_foreign(path, node)
    ]
    assert not wrong


def _is_foreign(path: Path, node: ast.ImportFrom) -> bool:
    """Whether this relative import reaches what the stage of `path` should not know."""
    stage = path.relative_to(CONVERTER).parts[0]
    folder = path.parents[node.level - 1].relative_to(CONVERTER)
    reached = [part for part in (*folder.parts, *(node.module or "").split(".")) if part]
    names = set(reached[:1]) or {alias.name for alias in node.names}
    return bool(names - SHARED - {stage})


def test_only_the_command_line_prints_or_exits() -> None:
    calls = [
        call
        for call in _calls()
        if call.path.name not in SPEAKS
        if (name(call.path), call.called) != (INSIDE, "os._exit")
    ]
    assert not [call for call in calls if call.called in ("print", "exit", "sys.exit", "os._exit")]


def test_only_tools_starts_processes() -> None:
    starts = re.compile(r"subprocess\.|os\.(system|popen|exec|spawn|fork|posix_spawn)")
    calls = [call for call in _calls() if starts.match(call.called)]
    assert {name(call.path) for call in calls} == {"converter/tools.py", INSIDE}


@dataclass(frozen=True, slots=True)
class Call:
    path: Path
    line: int
    called: str


def _calls() -> list[Call]:
    return [
        Call(path, node.lineno, ast.unparse(node.func))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]


def test_only_recipes_know_programs_by_name() -> None:
    files = [path for path in FILES if name(path) not in EXAMPLES | NAMED]
    code = {path: _python_code(path.read_text()) for path in files}
    code |= {path: re.sub(r"//.*", "", path.read_text()) for path in tracked("runtimes/*.rs")}
    knows = [
        f"{name(path)}: {program}"
        for path, text in code.items()
        for program in _programs()
        if re.search(rf"\b{program}\b", text)
    ]
    assert not knows


def _programs() -> list[str]:
    """Programs that have a recipe, and the sample images."""
    recipes = [path.stem for path in tracked("converter/recipes/*.toml")]
    return sorted({*recipes, *(path.parent.name for path in tracked("fixtures/*/build"))})


def _python_code(source: str) -> str:
    """The source without comments and docstrings, which may give examples."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.unparse(tree)
