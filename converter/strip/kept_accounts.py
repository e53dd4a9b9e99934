"""passwd(5) and group(5) with only the accounts the program needs, and no password in either.

Needed are: root, the program's own uid and gids, every account that a recipe names, every account
whose name stands as a word in the arguments, in a variable whose name speaks of users or groups, or
on such a line of a kept configuration file, and those whose name is compiled into the program and
cannot be mistaken for an ordinary word ("www-data", "nobody", its own name; not "mail").
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..accounts import Account, Group, read_accounts, read_groups
from ..model import Entrypoint, Node, NodeType, Tree
from ..recipes import chosen

_MAXIMUM_TEXT_BYTES = 1 << 20
_LINE_ABOUT_ACCOUNTS = re.compile(
    r"user|group|owner|account|uid|gid|run[-_ ]?as|chown", re.IGNORECASE
)
_COMMENT = re.compile(r"^\s*(?:#|;|//).*$|\s#.*$", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?")
_CONFIGURATION = ("/etc/", "/usr/local/etc/", "/opt/")
_CONFIGURATIONS = (".cfg", ".cnf", ".conf", ".ini")  # wherever they are
# Tables of libc that no program configures itself by, and whose words are not account names.
_TABLES = frozenset(
    ("/etc/group", "/etc/nsswitch.conf", "/etc/passwd", "/etc/protocols", "/etc/services")
)
_NOBODY = ("nobody", "nogroup")
_NO_SHELL = "/usr/sbin/nologin"  # nologin(8); that it is not there either does no harm


@dataclass(frozen=True, slots=True)
class KeptAccounts:
    """The accounts and groups that stay, each with its reason."""

    accounts: tuple[tuple[Account, str], ...]
    groups: tuple[tuple[Group, str], ...]

    def passwd(self) -> bytes:
        """The text of passwd(5): `*` is a password that nothing matches."""
        lines = (f"{a.name}:*:{a.uid}:{a.gid}::{a.home}:{_NO_SHELL}\n" for a, _ in self.accounts)
        return "".join(lines).encode()

    def group(self) -> bytes:
        """The text of group(5), members that are not kept left out."""
        names = {account.name for account, _ in self.accounts}
        lines = (
            f"{g.name}:*:{g.gid}:{','.join(m for m in g.members if m in names)}\n"
            for g, _ in self.groups
        )
        return "".join(lines).encode()


def kept_accounts(tree: Tree, entrypoint: Entrypoint, kept: Iterable[Node]) -> KeptAccounts:
    """Decide every account and group of the image."""
    named = dict(_compiled_names(tree, entrypoint)) | dict(_named_words(entrypoint, kept))
    every = tuple(read_accounts(tree))
    first = {account.uid: account for account in reversed(every)}  # whom getpwuid(3) gives
    accounts = tuple(
        (account, reason)
        for account in every
        if (reason := _account_reason(account, first, entrypoint, named)) is not None
    )
    gids = {account.gid: f"group of {account.name}" for account, _ in reversed(accounts)}
    groups = tuple(
        (group, reason)
        for group in read_groups(tree)
        if (reason := _group_reason(group, entrypoint, gids, named)) is not None
    )
    return KeptAccounts(accounts, groups)


def _account_reason(
    account: Account,
    first: Mapping[int, Account],
    entrypoint: Entrypoint,
    named: dict[str, str],
) -> str | None:
    """Of several accounts with one number, one can be looked up by it."""
    if first[account.uid] is account and account.uid == entrypoint.uid:
        return "the program runs as it"
    if first[account.uid] is account and account.uid == 0:
        return "uid 0 owns files of the image"
    return named.get(account.name)


def _group_reason(
    group: Group, entrypoint: Entrypoint, gids: dict[int, str], named: dict[str, str]
) -> str | None:
    if group.gid in (entrypoint.gid, *entrypoint.groups):
        return "the program runs with it"
    return gids.get(group.gid) or named.get(group.name)


def _named_words(entrypoint: Entrypoint, kept: Iterable[Node]) -> Iterator[tuple[str, str]]:
    """Words that would be account names, with where they stand; later ones win."""
    for recipe in chosen(entrypoint.recipes):
        yield from ((name, f"recipe {recipe.name}") for name in recipe.accounts)
    for node in kept:
        text = _text_of(node)
        for line in _COMMENT.sub("", text).splitlines():
            if _LINE_ABOUT_ACCOUNTS.search(line):
                yield from ((word, f"named in {node.path}") for word in _WORD.findall(line))
    for entry in entrypoint.env:
        name, _, value = entry.partition("=")
        if _LINE_ABOUT_ACCOUNTS.search(name):
            yield from ((word, f"named by {name}") for word in _WORD.findall(value))
    for argument in entrypoint.argv[1:]:
        if _LINE_ABOUT_ACCOUNTS.search(argument) or _WORD.fullmatch(argument):
            yield from ((word, "named in the arguments") for word in _WORD.findall(argument))


def _compiled_names(tree: Tree, entrypoint: Entrypoint) -> Iterator[tuple[str, str]]:
    """Accounts and groups whose name is a whole C string of the program."""
    program = tree.get(entrypoint.exe)
    data = program.content.read() if program is not None and program.content is not None else b""
    own = posixpath.basename(entrypoint.exe)
    accounts = [account.name for account in read_accounts(tree)]
    for name in (*accounts, *(group.name for group in read_groups(tree))):
        is_unmistakable = not name.isalpha() or name in _NOBODY or own.startswith(name)
        if is_unmistakable and b"\0%s\0" % name.encode() in data:
            yield name, f"written in {entrypoint.exe}"


def _text_of(node: Node) -> str:
    """The text of a kept configuration file; "" for anything else."""
    if node.type is not NodeType.FILE or node.content is None:
        return ""
    is_configuration = node.path.startswith(_CONFIGURATION) or node.path.endswith(_CONFIGURATIONS)
    is_configuration = is_configuration and node.path not in _TABLES
    if not is_configuration or not 0 < node.size <= _MAXIMUM_TEXT_BYTES:
        return ""
    data = node.content.read()
    return "" if b"\0" in data else data.decode("utf-8", "replace")
