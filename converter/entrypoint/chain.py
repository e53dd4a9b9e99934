"""Follow a launch from program to program until it reaches the one that stays.

A step is what the kernel or the program would do next: `#!` (execve(2)), a wrapper script's last
exec, `sh -c COMMAND`, or a small ELF that only prepares and execs (tini, gosu, env …). The last is
known by the program's name, as its documentation defines it; scripts are known by reading them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from .. import elf
from ..errors import UnsupportedError
from ..model import Node, NodeType, Tree
from .launch import DEFAULT_PATH, Launch, credentials_of, home_of
from .wrapper_script import Script, UndecidedError, after_script, after_shell_form

_MAXIMUM_STEPS = 16
_SHEBANG_BYTES = 256  # BINPRM_BUF_SIZE, execve(2) § Interpreter scripts
_SHELLS = frozenset(
    ("sh", "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "tcsh", "toybox", "zsh")
)
_MANY_IN_ONE = ("busybox", "toybox")  # one file, many programs: the name it is called by decides
# Of those, the ones whose scripts are read here (POSIX syntax).
_POSIX_SHELLS = frozenset(("sh", "ash", "bash", "busybox", "dash", "ksh", "mksh", "zsh"))
# Interpreters that talk to a terminal when no script is named.
_INTERACTIVE = re.compile(r"(python|perl|php|node|irb|ruby|lua|tclsh|guile|ghci|R)[0-9.]*")
_HINT = "name the program itself: an image whose Entrypoint is the ELF"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The launch of an ELF that stays, and how it was found."""

    launch: Launch
    exe: str
    method: str


def follow(tree: Tree, launch: Launch) -> Resolved:
    """The program the launch ends in; UnsupportedError with every reason when there is none."""
    method = "elf"
    for _ in range(_MAXIMUM_STEPS):
        node = find_program(tree, launch)
        try:
            step = _step(tree, node, launch)
        except UndecidedError as undecided:
            raise UnsupportedError(undecided.reasons, hint=_HINT) from undecided
        if step is None:
            _require_runnable(node, launch)
            found = f"{launch.argv[0]} is {node.path}, an ELF program"
            if posixpath.basename(node.path) in _MANY_IN_ONE:
                found += " that holds a shell as well, which stays"
            return Resolved(replace(launch, evidence=(*launch.evidence, found)), node.path, method)
        launch, method = step
    raise UnsupportedError((f"more than {_MAXIMUM_STEPS} programs start one another",))


def find_program(tree: Tree, launch: Launch) -> Node:
    """The file execvp(3) would run for argv[0], symlinks followed."""
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
            return node
        not_executable = node.path
    if not_executable:
        raise UnsupportedError((f"{not_executable} may not be executed: no x bit in its mode",))
    where = f"in {launch.cwd}" if "/" in name else f"on PATH {':'.join(directories)}"
    raise UnsupportedError((f"the program {name!r} is not in the image ({where})",))


def _step(tree: Tree, node: Node, launch: Launch) -> tuple[Launch, str] | None:
    """The next launch and the method that found it; None when `node` is where it ends."""
    if elf.header_of(node) is None:
        return _interpreter_step(tree, node, launch)
    if _is_shell(node.path, launch.argv[0]):
        return _shell_step(tree, node, launch)
    name = posixpath.basename(node.path)
    if name in _UNREAD_PREPARERS:
        raise UndecidedError(
            (f"{node.path} prepares and runs another program; its arguments are not read here",)
        )
    unwrap = _PREPARERS.get(name)
    if unwrap is None:
        return None
    unwrapped = unwrap(tree, launch)
    seen = f"{node.path} prepares and runs {list(unwrapped.argv)}"
    return replace(unwrapped, evidence=(*unwrapped.evidence, seen)), "prefix program"


def _is_shell(path: str, invoked: str) -> bool:
    name = posixpath.basename(path)
    if name in _MANY_IN_ONE:
        return posixpath.basename(invoked) in _SHELLS
    return name in _SHELLS


def _interpreter_step(tree: Tree, node: Node, launch: Launch) -> tuple[Launch, str]:
    """`#!INTERPRETER [ARGUMENT]` (execve(2)): run the interpreter with the script's path."""
    text = _text_of(node)
    if not text.startswith("#!"):
        raise UnsupportedError((f"{node.path} is neither ELF nor a script with `#!`",))
    words = text[2:_SHEBANG_BYTES].split("\n", 1)[0].strip().split(None, 1)
    if not words:
        raise UnsupportedError((f"{node.path} begins with `#!` and names no interpreter",))
    arguments = words[1:]
    if posixpath.basename(words[0]) == "env" and arguments:
        words, arguments = arguments[0].removeprefix("-S ").split()[:1], []
    interpreter = replace(launch, argv=(words[0],))
    found = find_program(tree, interpreter)
    if posixpath.basename(words[0]) in _POSIX_SHELLS or _is_shell(found.path, words[0]):
        return after_script(Script(node.path, text, launch.argv[1:]), launch), "wrapper script"
    argv = (words[0], *arguments, node.path, *launch.argv[1:])
    seen = f"{node.path} is a script for {found.path}"
    return replace(launch, argv=argv, evidence=(*launch.evidence, seen)), "interpreter"


def _shell_step(tree: Tree, node: Node, launch: Launch) -> tuple[Launch, str]:
    """A shell given a script or `-c COMMAND` is seen through; a shell alone is refused."""
    arguments = list(launch.argv[1:])
    if arguments and posixpath.basename(launch.argv[0]) in _MANY_IN_ONE:
        arguments.pop(0)
    while arguments and re.fullmatch(r"-[eux]+", arguments[0]):
        arguments.pop(0)
    if len(arguments) >= 2 and re.fullmatch(r"-[eux]*c", arguments[0]):
        return after_shell_form(node.path, arguments[1], launch), "shell form"
    if not arguments or arguments[0].startswith("-"):
        raise UnsupportedError(
            (f"the image runs the shell {node.path}: it is interactive, there is no program",)
        )
    script = find_program(tree, replace(launch, argv=(_with_slash(arguments[0]),)))
    parsed = Script(script.path, _text_of(script), tuple(arguments[1:]))
    return after_script(parsed, launch), "wrapper script"


def _is_reassigned(entry: str, assignments: list[str]) -> bool:
    name = entry.partition("=")[0]
    return any(assignment.startswith(f"{name}=") for assignment in assignments)


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


# ------------------------------------------------------------------ programs that only prepare


def _options_skipped(words: tuple[str, ...], *, with_value: str, allowed: str) -> tuple[str, ...]:
    """The words after single-letter options (getopt(3)); an unknown option is undecided."""
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest.pop(0)
        if option == "--":
            break
        if not re.fullmatch(f"-[{allowed}]+", option):
            raise UndecidedError((f"option {option!r} is not known here: {' '.join(words)}",))
        if option[-1] in with_value and rest:
            rest.pop(0)
    return tuple(rest)


def _after_init(tree: Tree, launch: Launch) -> Launch:
    """tini(1) and dumb-init(1): reap and forward signals, which the runtime does as process 1."""
    rest = _options_skipped(launch.argv[1:], with_value="pe", allowed="svgwpec")
    return replace(launch, argv=_some(rest, launch))


def _after_user_switch(tree: Tree, launch: Launch) -> Launch:
    """gosu and su-exec: `USER[:GROUP] PROGRAM …`, with HOME set for the user."""
    user, *rest = launch.argv[1:] or ("",)
    uid, gid, groups = credentials_of(tree, user)
    env = tuple(entry for entry in launch.env if not entry.startswith("HOME="))
    return replace(
        launch,
        argv=_some(tuple(rest), launch),
        env=(*env, f"HOME={home_of(tree, uid)}"),
        uid=uid,
        gid=gid,
        groups=groups,
    )


def _after_env(tree: Tree, launch: Launch) -> Launch:
    """env(1) with assignments only; its options are not read."""
    rest = _options_skipped(launch.argv[1:], with_value="", allowed="i")
    assignments = [word for word in rest if re.match(r"[A-Za-z_]\w*=", word)]
    while rest and rest[0] in assignments:
        rest = rest[1:]
    if "-i" in launch.argv[1:2]:
        launch = replace(launch, env=())
    kept = tuple(entry for entry in launch.env if not _is_reassigned(entry, assignments))
    return replace(launch, argv=_some(rest, launch), env=(*kept, *assignments))


def _some(argv: tuple[str, ...], launch: Launch) -> tuple[str, ...]:
    if not argv:
        raise UndecidedError((f"{launch.argv[0]} is given no program to run",))
    return argv


_PREPARERS: dict[str, Callable[[Tree, Launch], Launch]] = {
    "tini": _after_init,
    "tini-static": _after_init,
    "docker-init": _after_init,
    "dumb-init": _after_init,
    "catatonit": _after_init,
    "gosu": _after_user_switch,
    "su-exec": _after_user_switch,
    "env": _after_env,
}
# Programs that do the same and whose arguments are not read yet: refused, not taken for the last.
_UNREAD_PREPARERS = frozenset((
    "capsh", "chpst", "chroot", "ionice", "nice", "nohup", "numactl", "runuser", "s6-setuidgid",
    "s6-svscan", "setpriv", "setsid", "setuidgid", "start-stop-daemon", "stdbuf", "su", "sudo",
    "supervisord", "timeout", "unshare", "xargs",
))  # fmt: skip
