"""Follow a launch from program to program until it reaches the one that stays.

A step is what the kernel or the program would do next: `#!` (execve(2)), a shell's script or
`sh -c COMMAND`, or a small ELF that only prepares and execs. The shell's commands are read and not
run (`shell`); prefix programs are known by name (`prefix_programs`).
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace

from .. import elf
from ..errors import UndecidedError, UnsupportedError
from ..known_programs import SHELLS
from ..model import Node, NodeType, Tree
from .launch import DEFAULT_PATH, Launch
from .prefix_programs import require_no_supervisor, unwrap
from .shell import Script, Shell, after_script, after_shell_form

_MAXIMUM_STEPS = 40
_SHEBANG_BYTES = 256  # BINPRM_BUF_SIZE, execve(2) § Interpreter scripts
_MANY_IN_ONE = ("busybox", "toybox")  # one file, many programs: the name it is called by decides
# Of those, the ones whose scripts are read here; "sh" is a shell that nobody named.
_READ_SHELLS = {"bash": Shell.BASH, "dash": Shell.DASH, "ash": Shell.ASH, "busybox": Shell.ASH}
_UNREAD_SHELLS = frozenset(("csh", "fish", "tcsh", "zsh"))
_SHELL_OPTIONS = {"e": "errexit", "u": "nounset", "f": "noglob", "a": "allexport", "x": "", "c": ""}
# Interpreters that talk to a terminal when no script is named.
_INTERACTIVE = re.compile(r"(python|perl|php|node|irb|ruby|lua|tclsh|guile|ghci|R)[0-9.]*")
_HINT = "name the program: --entrypoint PROGRAM --cmd ARGUMENTS"
# What decided the program, the most telling first.
_METHODS = ("wrapper script", "shell form", "interpreter", "prefix program", "elf")


@dataclass(frozen=True, slots=True)
class Resolved:
    """The launch of an ELF that stays, and how it was found."""

    launch: Launch
    exe: str
    method: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A program's file, and the path by which execve(2) is given it."""

    node: Node
    path: str


def follow(tree: Tree, launch: Launch) -> Resolved:
    """The program the launch ends in; UnsupportedError with every reason when there is none."""
    methods = {"elf"}
    for _ in range(_MAXIMUM_STEPS):
        found = _find(tree, launch)
        try:
            step = _step(tree, found, launch)
        except UndecidedError as undecided:
            raise UndecidedError(undecided.reasons, hint=_HINT) from undecided
        if step is None:
            method = next(method for method in _METHODS if method in methods)
            return _resolved(found.node, launch, method)
        launch, method = step
        methods.add(method)
    raise UnsupportedError((f"more than {_MAXIMUM_STEPS} programs start one another",))


def find_program(tree: Tree, launch: Launch) -> Node:
    """The file execvp(3) would run for argv[0], symlinks followed."""
    return _find(tree, launch).node


def _resolved(node: Node, launch: Launch, method: str) -> Resolved:
    _require_runnable(node, launch)
    told = f"{launch.argv[0]} is {node.path}, an ELF program"
    if posixpath.basename(node.path) in _MANY_IN_ONE:
        told += " that holds a shell as well, which stays"
    return Resolved(replace(launch, evidence=(*launch.evidence, told)), node.path, method)


def _find(tree: Tree, launch: Launch) -> _Found:
    name = launch.argv[0]
    path_variable = launch.variable("PATH")
    directories = (DEFAULT_PATH if path_variable is None else path_variable).split(":")
    candidates = (
        [name] if "/" in name else [posixpath.join(entry or ".", name) for entry in directories]
    )
    not_executable = None
    for candidate in candidates:
        node = tree.resolve(candidate, cwd=launch.cwd)
        if node is None or node.type is not NodeType.FILE:
            continue
        if node.mode & 0o111:
            return _Found(node, candidate)
        not_executable = node.path
    if not_executable:
        raise UnsupportedError((f"{not_executable} may not be executed: no x bit in its mode",))
    where = f"in {launch.cwd}" if "/" in name else f"on PATH {':'.join(directories)}"
    raise UnsupportedError((f"the program {name!r} is not in the image ({where})",))


def _step(tree: Tree, found: _Found, launch: Launch) -> tuple[Launch, str] | None:
    """The next launch and the method that found it; None when this is where it ends."""
    node = found.node
    if elf.header_of(node) is None:
        return _interpreter_step(tree, found, launch)
    if _is_shell(node.path, launch.argv[0]):
        return _shell_step(tree, node, launch)
    called = _called_as(node.path, launch.argv[0])
    unwrapped = unwrap(tree, called, launch)
    if unwrapped is None:
        return None
    seen = f"{called} prepares and runs {list(unwrapped.argv)}"
    return replace(unwrapped, evidence=(*unwrapped.evidence, seen)), "prefix program"


def _called_as(path: str, invoked: str) -> str:
    """The program's path; of many in one file, the one whose name it is called by."""
    is_many = posixpath.basename(path) in (*_MANY_IN_ONE, "coreutils")
    return invoked if is_many else path


def _is_shell(path: str, invoked: str) -> bool:
    name = posixpath.basename(path)
    if name in _MANY_IN_ONE:
        return posixpath.basename(invoked) in SHELLS
    return name in SHELLS


def _interpreter_step(tree: Tree, found: _Found, launch: Launch) -> tuple[Launch, str]:
    """`#!INTERPRETER [ARGUMENT]` (execve(2)): run the interpreter with the script's path."""
    text = _text_of(found.node)
    path = found.node.path
    require_no_supervisor(path)
    if not text.startswith("#!"):
        raise UnsupportedError((f"{path} is neither ELF nor a script with `#!`",))
    words = text[2:_SHEBANG_BYTES].split("\n", 1)[0].strip().split(None, 1)
    if not words:
        raise UnsupportedError((f"{path} begins with `#!` and names no interpreter",))
    interpreter = find_program(tree, replace(launch, argv=(words[0],)))
    argv = (*words, found.path, *launch.argv[1:])
    if _is_shell(interpreter.path, words[0]):
        return replace(launch, argv=argv), "interpreter"
    seen = f"{path} is a script for {interpreter.path}"
    return replace(launch, argv=argv, evidence=(*launch.evidence, seen)), "interpreter"


# ------------------------------------------------------------------ shells


def _shell_step(tree: Tree, node: Node, launch: Launch) -> tuple[Launch, str]:
    """A shell given a script or `-c COMMAND` is seen through; a shell alone is refused."""
    shell = _shell(node, launch)
    arguments = list(launch.argv[1:])
    if posixpath.basename(launch.argv[0]) in _MANY_IN_ONE and arguments:
        arguments.pop(0)
    options, has_command = _shell_options(node.path, arguments)
    if has_command and arguments:
        text, *given = arguments
        name = given[0] if given else launch.argv[0]
        script = Script(name, text, tuple(given[1:]), shell, options)
        return after_shell_form(tree, node.path, script, launch), "shell form"
    if not arguments or arguments[0].startswith("-"):
        raise _interactive_shell(node.path)
    return _script_step(tree, launch, tuple(arguments), (shell, options)), "wrapper script"


def _script_step(
    tree: Tree, launch: Launch, arguments: tuple[str, ...], how: tuple[Shell, frozenset[str]]
) -> Launch:
    name = arguments[0]
    file = tree.resolve(name, cwd=launch.cwd)
    if file is None or file.type is not NodeType.FILE:
        file = find_program(tree, replace(launch, argv=(_with_slash(name),)))
    script = Script(name, _text_of(file), arguments[1:], *how)
    return after_script(tree, script, launch)


def _shell(node: Node, launch: Launch) -> Shell:
    """Which shell it is, by its file; what nobody knows is read as every shell reads it."""
    name = posixpath.basename(node.path)
    if name in _UNREAD_SHELLS or name == "toybox":
        raise UndecidedError((f"{node.path}: the language of this shell is not read here",))
    return _READ_SHELLS.get(name, Shell.ANY)


def _shell_options(path: str, arguments: list[str]) -> tuple[frozenset[str], bool]:
    """Take the options off the arguments: which are set, and whether `-c` is among them."""
    options: set[str] = set()
    has_command = False
    while arguments and re.match(r"[-+].", arguments[0]):
        word = arguments.pop(0)
        if word == "--":
            break
        letters = word[1:].replace("o", "")
        if word.startswith("+") or not set(letters) <= set(_SHELL_OPTIONS) | {"E"}:
            if "i" in letters and not has_command:
                raise _interactive_shell(path)
            raise UndecidedError((f"option {word!r} of {path} is not known here",))
        options |= {_SHELL_OPTIONS.get(letter, "") for letter in letters}
        has_command = has_command or "c" in letters
        if "o" in word and arguments:
            options.add(arguments.pop(0))
    return frozenset(
        options & {"errexit", "nounset", "noglob", "allexport", "pipefail"}
    ), has_command


def _interactive_shell(path: str) -> UnsupportedError:
    return UnsupportedError(
        (f"the image runs the shell {path}: it is interactive, there is no program",)
    )


def _with_slash(path: str) -> str:
    """A script named to a shell is looked up in the working directory first (sh(1))."""
    return path if "/" in path else f"./{path}"


def _text_of(node: Node) -> str:
    return node.content.read().decode("utf-8", "surrogateescape") if node.content else ""


def _require_runnable(node: Node, launch: Launch) -> None:
    """The last program must be one a runtime could carry."""
    header = elf.header_of(node)
    assert header is not None
    reasons = []
    if header.machine != "x86_64" or not header.is_64_bit:
        bits = 64 if header.is_64_bit else 32
        reasons.append(f"{node.path} is for {header.machine} ({bits} bits), not x86_64")
    if header.type not in ("ET_EXEC", "ET_DYN"):
        reasons.append(f"{node.path} is {header.type}, not a program")
    name = posixpath.basename(node.path)
    if _INTERACTIVE.fullmatch(name) and not set(launch.argv[1:]) - {"-i", "-a"}:
        reasons.append(f"{node.path} without a script is interactive: there is no program")
    if reasons:
        raise UnsupportedError(tuple(reasons))
