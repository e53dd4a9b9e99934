"""External programs: which paths they may change, and what a few of them answer.

A program is known by its name, as its manual page has it. One that is not listed may change any
path that its user may write to; its answer is not known. None is run.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...accounts import Account, read_accounts, read_groups
from ..launch import Changed, Reach
from .machine import World
from .state import FAILED, State
from .values import Unknown, Value, all_known

# Programs that read, wait or print: whatever their options, no path is another afterwards.
_READERS = frozenset((
    "[", "basename", "cat", "cksum", "cmp", "comm", "cut", "date", "df", "diff", "dirname",
    "dpkg-query", "du", "egrep", "envsubst", "expr", "false", "fgrep", "file", "free", "getconf",
    "getent", "grep", "head", "hostname",
    "id", "ldd", "locale", "ls", "md5sum", "nproc", "numfmt", "od",
    "pgrep", "pidof", "printenv", "printf", "ps", "readlink", "realpath", "seq", "sha1sum",
    "sha256sum", "sha512sum", "sleep", "stat", "strings", "tac", "tail", "test", "tr", "true",
    "tty", "uname", "uniq", "wc", "whereis", "which", "whoami", "base64", "echo", "pwd", "rev",
    "fold", "fmt", "nl", "paste", "arch", "groups", "logname", "mountpoint", "clear", "tput",
))  # fmt: skip
# Programs that read unless one of these options is given.
_READERS_WITHOUT = {
    "awk": re.compile(r".*(>|\||system|getline).*", re.DOTALL),
    "find": re.compile(r"-(delete|exec|execdir|ok|okdir|fprint|fprint0|fprintf|fls)"),
    "sed": re.compile(r"-[a-zA-Z]*i.*|--in-place.*"),
    "sort": re.compile(r"-[a-zA-Z]*o.*|--output.*"),
}
# Programs that change the paths they are given and what is in them, and nothing else.
_CHANGERS = frozenset((
    "chgrp", "chmod", "chown", "cp", "install", "ln", "mkdir", "mkfifo", "mv", "rm", "rmdir",
    "sed", "setfacl", "tee", "touch", "truncate", "unlink",
))  # fmt: skip
_REACHES = {
    "mkdir": Reach.MADE, "touch": Reach.MADE, "mkfifo": Reach.MADE, "tee": Reach.MADE,
    "truncate": Reach.MADE, "sed": Reach.MADE, "chmod": Reach.RIGHTS, "chown": Reach.RIGHTS,
    "chgrp": Reach.RIGHTS, "setfacl": Reach.RIGHTS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """An external command with the words it is given."""

    name: str  # the last component of what is called
    arguments: tuple[Value, ...]


def changed_by(command: Command, world: World, state: State) -> frozenset[Changed]:
    """The paths that a command may change; "/" stands for all that its user may write to."""
    uid = world.launch.uid
    known = all_known(command.arguments)
    anything = frozenset((Changed("/", uid),))
    if command.name in _READERS:
        return frozenset()
    option = _READERS_WITHOUT.get(command.name)
    if option is not None and known is not None and not any(map(option.fullmatch, known)):
        return frozenset()
    if command.name == "find" and known is not None:
        return _found_and_changed(known, world, state)
    if command.name == "tar" and known is not None:
        return _unpacked(known, world, state)
    if command.name not in _CHANGERS or known is None:
        return anything
    files = world.files(state)
    paths = [argument for argument in known if not argument.startswith("-")]
    paths = paths[1:] if command.name in ("chown", "chgrp", "chmod") else paths  # who, or how
    if isinstance(state.cwd, Unknown) and not all(path.startswith("/") for path in paths):
        return anything
    reach = _REACHES.get(command.name, Reach.ALL)
    return frozenset(Changed(files.canonical(path), uid, reach) for path in paths)


def _found_and_changed(known: tuple[str, ...], world: World, state: State) -> frozenset[Changed]:
    """`find PATH … -exec chown …`: what is under the paths, when the program is a known one."""
    uid = world.launch.uid
    options = [index for index, word in enumerate(known) if word[:1] in ("-", "(", "!")]
    first = options[0] if options else len(known)
    called = [known[at + 1 : at + 2] for at, word in enumerate(known) if word.startswith("-exec")]
    names = {posixpath.basename("".join(name)) for name in called}
    harmless = names <= _CHANGERS - {"cp", "mv", "ln", "install"}
    is_about_rights = names <= {"chown", "chgrp", "chmod"} and "-delete" not in known
    reach = Reach.RIGHTS if is_about_rights else Reach.ALL
    if not harmless or isinstance(state.cwd, Unknown) or any("-f" in word for word in known):
        return frozenset((Changed("/", uid),))
    files = world.files(state)
    paths = known[:first] or (".",)
    return frozenset(Changed(files.canonical(path), uid, reach) for path in paths)


def _unpacked(known: tuple[str, ...], world: World, state: State) -> frozenset[Changed]:
    """tar(1) writes to the working directory or those it is told to go to, and to its archive."""
    places: list[str] = []
    archives: list[str] = []
    for at, word in enumerate(known):
        following = known[at + 1] if at + 1 < len(known) else "."
        name, is_joined, value = word.partition("=")
        if name == "--directory" or re.fullmatch(r"-[a-zA-Z]*C", word):
            places.append(value if is_joined else following)
        elif name == "--file" or re.fullmatch(r"-[a-zA-Z]*f|[a-zA-Z]*f", word):
            archives.append(value if is_joined else following)
    if isinstance(state.cwd, Unknown) or any("command" in w or "-P" in w for w in known):
        return frozenset((Changed("/", world.launch.uid),))
    files = world.files(state)
    return frozenset(
        Changed(files.canonical(path), world.launch.uid) for path in (places or ["."]) + archives
    )


def made_by_redirection(path: Value, world: World, state: State) -> frozenset[Changed]:
    """The path that `>path` makes or empties."""
    uid = world.launch.uid
    is_placed = isinstance(path, str) and (path.startswith("/") or isinstance(state.cwd, str))
    if isinstance(path, Unknown) or not is_placed:
        return frozenset((Changed("/", uid),))
    return frozenset((Changed(world.files(state).canonical(path), uid, Reach.MADE),))


def may_end(command: Command) -> bool:
    """Whether a program is one that does its work and ends."""
    is_known = command.name in _READERS | _CHANGERS | {"tar", "awk"}
    return is_known or command.name in _READERS_WITHOUT


# ------------------------------------------------------------------ answers


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command prints and the status it ends with; None is a status that is not known."""

    status: int | None
    output: Value


_NOT_KNOWN = Answer(None, Unknown("the output of a command that is not run"))


def answer(command: Command, world: World, state: State) -> Answer:
    """The answer, where the image decides it."""
    ask = _ANSWERS.get(command.name)
    known = all_known(command.arguments)
    if command.name in ("true", "false"):
        return Answer(int(command.name == "false"), "")
    if ask is None or known is None:
        return _NOT_KNOWN
    if command.name in _NOT_EVERYWHERE and not _which((command.name,), world, state):
        return _NOT_KNOWN
    return ask(known, world, state) or _NOT_KNOWN


def _id(words: tuple[str, ...], world: World, state: State) -> Answer | None:
    """`id -u`, `-g`, `-un`, `-gn` of the user itself (id(1))."""
    launch = world.launch
    letters = "".join(sorted("".join(word.removeprefix("-") for word in words)))
    numbers = {"u": launch.uid, "ru": launch.uid, "g": launch.gid, "gr": launch.gid}
    if letters in numbers and all(word.startswith("-") for word in words):
        return Answer(0, f"{numbers[letters]}\n")
    if letters in ("nu", "gn") and _are_accounts_settled(world, state):
        name = _user_name(world) if letters == "nu" else _group_name(world)
        return Answer(0, f"{name}\n") if name else None
    return None


def _whoami(words: tuple[str, ...], world: World, state: State) -> Answer | None:
    name = _user_name(world) if not words and _are_accounts_settled(world, state) else None
    return Answer(0, f"{name}\n") if name else None


def _user_name(world: World) -> str | None:
    accounts = read_accounts(world.tree)
    return next((a.name for a in accounts if a.uid == world.launch.uid), None)


def _group_name(world: World) -> str | None:
    return next((g.name for g in read_groups(world.tree) if g.gid == world.launch.gid), None)


def _are_accounts_settled(world: World, state: State) -> bool:
    files = world.files(state)
    return files.is_settled("/etc/passwd") and files.is_settled("/etc/group")


def _getent(words: tuple[str, ...], world: World, state: State) -> Answer | None:
    """`getent passwd NAME`: 2 when there is no such key (getent(1)). Files only: an image may name
    other services in nsswitch.conf(5), but they are not there when it starts."""
    if len(words) != 2 or words[0] != "passwd" or not _are_accounts_settled(world, state):
        return None
    accounts = read_accounts(world.tree)
    found = any(_is_named(account, words[1]) for account in accounts)
    return Answer(0, Unknown("an account's line")) if found else Answer(2, "")


def _is_named(account: Account, key: str) -> bool:
    return key in (account.name, str(account.uid))


def _basename(words: tuple[str, ...], world: World, state: State) -> Answer | None:
    words = words[1:] if words[:1] == ("--",) else words
    if not words or len(words) > 2 or words[0].startswith("-"):
        return None
    name = words[0].rstrip("/").rpartition("/")[2] or words[0][:1]
    suffix = words[1] if len(words) == 2 else ""
    cut = name.removesuffix(suffix) if suffix else name
    return Answer(0, f"{cut or name}\n")


def _dirname(words: tuple[str, ...], world: World, state: State) -> Answer | None:
    words = words[1:] if words[:1] == ("--",) else words
    if len(words) != 1 or words[0].startswith("-"):
        return None
    path = words[0].rstrip("/")
    if not path:
        return Answer(0, "/\n" if words[0] else ".\n")
    head, separator, _ = path.rpartition("/")
    return Answer(0, (head.rstrip("/") or "/" if separator else ".") + "\n")


def _cat(words: tuple[str, ...], world: World, state: State) -> Answer | None:
    if len(words) != 1 or words[0].startswith("-"):
        return None
    files = world.files(state)
    text = files.text(words[0])
    if text is not None and "\0" not in text:
        return Answer(0, text)
    is_absent = files.is_settled(words[0]) and files.node(words[0]) is None
    return Answer(FAILED, "") if is_absent else None


def _which(words: tuple[str, ...], world: World, state: State) -> Answer | None:
    """`which NAME` of one name (which(1))."""
    path = state.variables.get("PATH")
    if len(words) != 1 or words[0].startswith("-") or path is None:
        return None
    value = path.scalar
    found = world.files(state).program(words[0], value) if isinstance(value, str) else None
    if found is None:
        return None
    return Answer(0, f"{found}\n") if found else Answer(FAILED, "")


def _readlink(words: tuple[str, ...], world: World, state: State) -> Answer | None:
    """`readlink -f PATH` and `realpath PATH` of what exists (readlink(1))."""
    options = [word for word in words if word.startswith("-")]
    paths = [word for word in words if not word.startswith("-")]
    if options not in (["-f"], ["-e"]) or len(paths) != 1:
        return None
    return _realpath(tuple(paths), world, state)


def _realpath(words: tuple[str, ...], world: World, state: State) -> Answer | None:
    if len(words) != 1 or words[0].startswith("-"):
        return None
    files = world.files(state)
    node = files.node(words[0])
    is_known = node is not None and files.is_settled(words[0])
    return Answer(0, f"{node.path}\n") if node is not None and is_known else None


def _printenv(words: tuple[str, ...], world: World, state: State) -> Answer | None:
    if len(words) != 1 or words[0].startswith("-"):
        return None
    variable = state.variables.get(words[0])
    if variable is None or variable.is_exported is False:
        return Answer(1, "")
    if variable.is_exported is None:
        return None
    value = variable.scalar
    return Answer(0, f"{value}\n") if isinstance(value, str) else None


# Programs that many images do not have: asked only where they are.
_NOT_EVERYWHERE = frozenset(("getent", "printenv", "readlink", "realpath", "which", "whoami"))
_Ask = Callable[[tuple[str, ...], World, State], Answer | None]
_ANSWERS: dict[str, _Ask] = {
    "id": _id,
    "whoami": _whoami,
    "getent": _getent,
    "basename": _basename,
    "dirname": _dirname,
    "cat": _cat,
    "which": _which,
    "readlink": _readlink,
    "realpath": _realpath,
    "printenv": _printenv,
}


def words_shown(words: Sequence[Value]) -> str:
    return " ".join(word if isinstance(word, str) else "…" for word in words)
