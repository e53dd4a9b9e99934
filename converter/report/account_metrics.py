"""Accounts and their passwords, and what gives privilege or starts programs by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..model import Confidence, Entrypoint, Image, Node, NodeType, Rootfs, Tree
from .links import led_to
from .metrics import Metric, of_nodes

_NO_LOGIN = ("nologin", "false")
# What useradd(8) and its like leave of the files before they changed them, and groups' passwords.
_OTHER_PASSWORDS = ("/etc/shadow-", "/etc/passwd-", "/etc/gshadow", "/etc/gshadow-")
# /usr/etc is where openSUSE's packages have what /etc overrides.
_PRIVILEGE = re.compile(
    r"/etc/(?:sudoers|doas\.conf|pam\.conf)$|/etc/(?:sudoers\.d|doas\.d|pam\.d|polkit-1)/."
    r"|/lib/pam\.d/.|/share/polkit-1/rules\.d/."
)
_SCHEDULED = re.compile(
    r"/etc/(?:crontab|anacrontab|at\.deny|at\.allow|inittab|x?inetd\.conf)$"
    r"|/etc/(?:cron\.\w+|crontabs|periodic|xinetd\.d|inetd\.d)/[^.]"
    r"|/etc/(?:rc\.d/)?(?:rc\.local$|(?:init\.d|rc[\dS]\.d)/[^.])|/var/spool/(?:cron|at)/."
    r"|/systemd/(?:system|user)/(?:[^/]+\.(?:wants|requires|upholds)/)?"
    r"[^/]+\.(?:service|timer|socket|path)$"
)
_LINKS = ", and links from there to others, but to /dev/null; each once"
_NOWHERE = "/dev/null"  # a unit that leads there is masked: systemctl(1)


def account_metrics(tree: Tree, rootfs: Rootfs) -> tuple[Metric, ...]:
    before, after = tuple(tree), rootfs.nodes
    old, new = _lines(before, "/etc/passwd"), _lines(after, "/etc/passwd")
    return (
        _lists("accounts", "accounts", old, new, "lines of /etc/passwd"),
        _lists("login_accounts", "accounts with a login shell", _logins(old), _logins(new),
               "lines of /etc/passwd whose shell is neither nologin nor false"),
        _lists("root_accounts", "accounts that are user 0", _roots(old), _roots(new),
               "lines of /etc/passwd with user 0"),
        _lists("password_hashes", "password hashes", _hashes(before), _hashes(after),
               "accounts and groups with a password that is set in /etc/shadow, /etc/passwd or "
               "/etc/gshadow, or in what these were before, where it is another"),
        _lists("empty_passwords", "empty passwords", _empty(before), _empty(after),
               "accounts in /etc/shadow or /etc/passwd that need no password (shadow(5))"),
        _lists("locked_passwords", "locked passwords", _locked(before), _locked(after),
               "accounts in /etc/shadow or /etc/passwd whose field begins with ! or *: no password "
               "matches it (shadow(5)); they can be used without one, by su or a key"),
        _paths("privilege_rules", "files that give privilege", _PRIVILEGE, before, after,
               f"files of sudo, doas, PAM and polkit's rules{_LINKS}"),
        _paths("scheduled", "files that start programs", _SCHEDULED, before, after,
               "files of cron, at, init and inetd, and systemd's services, timers, sockets and "
               f"paths{_LINKS}"),
    )  # fmt: skip


def _lists(
    name: str, title: str, before: list[list[str]], after: list[list[str]], definition: str
) -> Metric:
    return Metric(
        name, title, "accounts", len(before), len(after), definition, _names(before), _names(after)
    )


def _paths(
    name: str,
    title: str,
    pattern: re.Pattern[str],
    before: Sequence[Node],
    after: Sequence[Node],
    definition: str,
) -> Metric:
    found = [_matching(pattern, nodes) for nodes in (before, after)]
    return of_nodes(name, title, "files", definition, *found)


def _matching(pattern: re.Pattern[str], nodes: Sequence[Node]) -> list[Node]:
    """Files, and links that lead to none of them: a service that is enabled is one, not two."""
    matching = [node for node in nodes if pattern.search(node.path)]
    found = {node.path: node for node in matching if node.type is NodeType.FILE}
    links = [node for node in matching if node.type is NodeType.SYMLINK]
    by_path = {node.path: node for node in nodes} if links else {}
    for link in links:
        end = led_to(link.path, by_path)
        if end != _NOWHERE:
            found.setdefault(end, link)
    return list(found.values())


def _lines(nodes: Iterable[Node], path: str) -> list[list[str]]:
    for node in nodes:
        if node.path == path and node.content is not None:
            text = node.content.read().decode("utf-8", "replace")
            return [line.split(":") for line in text.splitlines() if _is_account(line)]
    return []


def _is_account(line: str) -> bool:
    """Lines that begin with + or - are about accounts of NIS, not one (nsswitch.conf(5), compat);
    glibc passes over #."""
    return line.count(":") > 1 and not line.startswith(("+", "-", "#"))


def _logins(accounts: Iterable[list[str]]) -> list[list[str]]:
    return [account for account in accounts if not account[-1].endswith(_NO_LOGIN)]


def _roots(accounts: Iterable[list[str]]) -> list[list[str]]:
    return [account for account in accounts if account[2].lstrip("0") == "" and account[2]]


def _passwords(nodes: Sequence[Node]) -> list[list[str]]:
    return [*_lines(nodes, "/etc/shadow"), *_lines(nodes, "/etc/passwd")]


def _hashes(nodes: Sequence[Node]) -> list[list[str]]:
    """Each with its account, elsewhere than in /etc/shadow and /etc/passwd with the file too."""
    found = {(line[0], line[1]): line for line in _passwords(nodes) if _is_hash(line[1])}
    for path in _OTHER_PASSWORDS:
        kind = "group " if "gshadow" in path else ""
        for name, value, *_ in _lines(nodes, path):
            if _is_hash(value):
                found.setdefault((kind + name, value), [f"{kind}{name} in {path}"])
    return list(found.values())


def _is_hash(value: str) -> bool:
    """shadow(5): `!` and `*` begin what no password matches; passwd(5): `x` refers to shadow."""
    return value not in ("", "x") and value[0] not in "!*"


def _locked(nodes: Sequence[Node]) -> list[list[str]]:
    return _each_once(line for line in _passwords(nodes) if line[1].startswith(("!", "*")))


def _empty(nodes: Sequence[Node]) -> list[list[str]]:
    return _each_once(line for line in _passwords(nodes) if line[1] == "")


def _each_once(lines: Iterable[list[str]]) -> list[list[str]]:
    """An account of which both files say the same is one account."""
    return list({line[0]: line for line in lines}.values())


def _names(lines: Iterable[list[str]]) -> tuple[str, ...]:
    return tuple(line[0] for line in lines)


def identity_metrics(image: Image, rootfs: Rootfs, entrypoint: Entrypoint) -> tuple[Metric, ...]:
    """Who the program is when it is started, and what that user may write and is reached by."""
    user = _number(image)
    uid, gids = entrypoint.uid, {entrypoint.gid, *entrypoint.groups}
    effective = (f"user {uid}, group {entrypoint.gid}",)
    old = [one for one in image.tree if _may_write(one, uid, gids)]
    new = [one for one in rootfs.nodes if _may_write(one, uid, gids)]
    return (
        Metric(
            "begins_as_root", "begins as user 0", "programs",
            None if user is None else int(user == 0), int(uid == 0),
            "before: what the container starts first, by the configuration's User, not known where "
            "/etc/passwd lacks the name; after: the program itself, for no start-up runs",
            (f"User {image.config.user!r}",), effective,
        ),
        Metric(
            "runs_as_root", "runs as user 0", "programs", int(uid == 0), int(uid == 0),
            "the effective user of the program when it is executed, after what a start-up gave up; "
            "what it gives up later, by itself or for its workers, is not in it",
            (f"User {image.config.user!r}, then {effective[0]}: {entrypoint.method}",), effective,
        ),
        of_nodes(
            "writable_directories", "directories it may write", "paths",
            "directories that the user of the program, as it is executed, may write by owner, "
            "group and mode; user 0 may write every one", old, new,
        ),
        _undeclared(image, entrypoint),
        _children(entrypoint),
    )  # fmt: skip


def _number(image: Image) -> int | None:
    """The user that the configuration names: none is user 0 (OCI image-spec config.md, User)."""
    name = image.config.user.partition(":")[0] or "0"
    if name.isdecimal():
        return int(name)
    for account in _lines(image.tree, "/etc/passwd"):
        if account[0] == name and account[2].isdecimal():
            return int(account[2])
    return 0 if name == "root" else None


def _may_write(node: Node, uid: int, gids: set[int]) -> bool:
    """path_resolution(7): the first class that fits decides."""
    if node.type is not NodeType.DIRECTORY:
        return False
    if uid == 0:
        return True
    bit = 0o200 if node.uid == uid else 0o020 if node.gid in gids else 0o002
    return bool(node.mode & bit)


def _children(entrypoint: Entrypoint) -> Metric:
    """Not known where no run was recorded."""
    is_known = bool(entrypoint.listening) or entrypoint.confidence is Confidence.RECORDED
    count = len(entrypoint.children) if is_known else None
    return Metric(
        "child_programs", "other programs it runs", "paths", count, count,
        "programs that a recorded run executed after the one that is started; each is kept. Not "
        "known where none was recorded", entrypoint.children, entrypoint.children,
    )  # fmt: skip


def _undeclared(image: Image, entrypoint: Entrypoint) -> Metric:
    """Not known where no run was recorded."""
    definition = "TCP and UDP ports that a recorded run listened on beyond loopback and that " \
                 "EXPOSE does not name; not known where none was recorded"  # fmt: skip
    if not entrypoint.listening:
        return Metric("undeclared_ports", "ports not declared", "ports", None, None, definition)
    declared = {_port(one) for one in image.config.exposed_ports}
    found: dict[tuple[str, str], str] = {}  # by protocol and port: one for IPv4 and IPv6
    for one in entrypoint.listening:
        protocol, _, address = one.partition(" ")
        host, _, number = address.rpartition(":")
        if protocol[:3] in ("tcp", "udp") and not _is_loopback(host):
            found.setdefault((number, protocol[:3]), one)
    shown = tuple(one for key, one in found.items() if key not in declared)
    return Metric(
        "undeclared_ports", "ports not declared", "ports", len(shown), len(shown), definition,
        shown, shown,
    )  # fmt: skip


def _port(exposed: str) -> tuple[str, str]:
    """Number and protocol; TCP where none is said (OCI image-spec config.md, ExposedPorts)."""
    number, _, protocol = exposed.partition("/")
    return number, protocol or "tcp"


def _is_loopback(host: str) -> bool:
    """127.0.0.0/8 and ::1 (RFC 6890)."""
    return host.startswith("127.") or host == "[::1]"
