"""Programs that only prepare and then exec another: seen through, with what they do applied.

Each is known by its name and read as its documentation has it; an option that is not known here
is undecided, with its name. Supervisors, which start more than one program, are refused.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..accounts import Account, is_id, read_accounts, read_groups
from ..errors import UndecidedError
from ..model import Tree
from .launch import Launch, credentials_of, group_id, home_of

_ASSIGNMENT = re.compile(r"[^=]+=.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Options:
    """The options a program knows: those with a value, and those without (getopt(3))."""

    flags: frozenset[str]
    valued: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Read:
    """Options as found, and the words after them."""

    found: tuple[tuple[str, str], ...]
    rest: tuple[str, ...]

    def value(self, *names: str) -> str | None:
        return next((value for name, value in reversed(self.found) if name in names), None)

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.found)


def _options(flags: str = "", valued: str = "") -> _Options:
    return _Options(frozenset(flags.split()), frozenset(valued.split()))


def unwrap(tree: Tree, path: str, launch: Launch) -> Launch | None:
    """The launch a prefix program makes; None when `path` is no such program."""
    require_no_supervisor(path)
    name = posixpath.basename(path)
    if name in _REFUSED:
        raise UndecidedError((f"{path} {_REFUSED[name]}: {' '.join(launch.argv)}",))
    unwrapper = _PREFIXES.get(name)
    return None if unwrapper is None else unwrapper(tree, launch)


def require_no_supervisor(path: str) -> None:
    """UndecidedError for a program that starts several others, be it an ELF or a script."""
    if posixpath.basename(path) in _SUPERVISORS:
        raise UndecidedError((f"{path} is a supervisor: starts more than one program",))


def _read(launch: Launch, options: _Options) -> _Read:
    """Options up to the first other word or `--`; values joined or apart."""
    found: list[tuple[str, str]] = []
    words = list(launch.argv[1:])
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        found += _long(word, words, launch, options) if word[:2] == "--" else _short(
            word, words, launch, options
        )  # fmt: skip
    return _Read(tuple(found), tuple(words))


def _long(word: str, words: list[str], launch: Launch, options: _Options) -> list[tuple[str, str]]:
    name, separator, value = word.partition("=")
    if name in options.valued:
        return [(name, value if separator else _next(words, launch))]
    if name in options.flags and not separator:
        return [(name, "")]
    raise _unknown(word, launch)


def _short(word: str, words: list[str], launch: Launch, options: _Options) -> list[tuple[str, str]]:
    """Single letters, which may stand together; the rest of the word is a letter's value."""
    found: list[tuple[str, str]] = []
    if word in options.flags:
        return [(word, "")]
    for index, letter in enumerate(word[1:], start=1):
        name = f"-{letter}"
        if name in options.valued:
            return [*found, (name, word[index + 1 :] or _next(words, launch))]
        if name not in options.flags:
            raise _unknown(word, launch)
        found.append((name, ""))
    return found


def _next(words: list[str], launch: Launch) -> str:
    if not words:
        raise UndecidedError((f"the last option has no value: {' '.join(launch.argv)}",))
    return words.pop(0)


def _unknown(option: str, launch: Launch) -> UndecidedError:
    return UndecidedError((f"option {option!r} is not known here: {' '.join(launch.argv)}",))


def _running(launch: Launch, argv: tuple[str, ...], *notes: str) -> Launch:
    if not argv:
        raise UndecidedError((f"{launch.argv[0]} is given no program to run",))
    return replace(launch, argv=argv, evidence=(*launch.evidence, *notes))


def _with_env(launch: Launch, values: Mapping[str, str]) -> Launch:
    names = tuple(f"{name}=" for name in values)
    kept = [entry for entry in launch.env if not entry.startswith(names)] if names else launch.env
    return replace(launch, env=(*kept, *(f"{name}={value}" for name, value in values.items())))


def _noted(launch: Launch, told: str) -> Launch:
    return replace(launch, evidence=(*launch.evidence, f"{launch.argv[0]}: {told}"))


# ------------------------------------------------------------------ process 1


def _after_init(options: _Options) -> Callable[[Tree, Launch], Launch]:
    """tini(1), docker-init, catatonit, dumb-init: they reap processes and forward signals, which
    the runtime does as process 1."""

    def after(tree: Tree, launch: Launch) -> Launch:
        return _running(launch, _read(launch, options).rest)

    return after


_TINI = _options("-s -v -vv -vvv -w -g", "-p -e")
_DUMB_INIT = _options("-c --single-child -v --verbose", "-r --rewrite")
_CATATONIT = _options("-P -g -L")


# ------------------------------------------------------------------ another user


def _after_gosu(tree: Tree, launch: Launch) -> Launch:
    """gosu and su-exec: `USER[:GROUP] PROGRAM …`; groups and HOME become the user's."""
    user, *rest = launch.argv[1:] or ("",)
    if user.startswith("-"):
        raise _unknown(user, launch)
    uid, gid, groups = credentials_of(tree, user)
    changed = replace(launch, uid=uid, gid=gid, groups=groups)
    return _running(_with_env(changed, {"HOME": home_of(tree, uid)}), tuple(rest))


def _after_setpriv(tree: Tree, launch: Launch) -> Launch:
    """setpriv(1): changes ids and privileges, and no variable."""
    read = _read(launch, _SETPRIV)
    uid = _uid(tree, launch, read.value("--reuid", "--euid"))
    gid = _gid(tree, launch, read.value("--regid", "--egid"))
    for half in ("--euid", "--ruid", "--egid", "--rgid"):
        if read.has(half):
            raise _unknown(half, launch)
    groups: tuple[int, ...] = launch.groups
    if read.has("--clear-groups"):
        groups = ()
    elif read.has("--init-groups"):
        groups = _groups_of(tree, _account(tree, launch, str(uid)))
    elif (written := read.value("--groups")) is not None:
        groups = tuple(_gid(tree, launch, part) for part in written.split(","))
    elif read.has("--regid") and not read.has("--keep-groups"):
        told = "--regid needs one of --keep-groups, --clear-groups, --init-groups, --groups"
        raise UndecidedError((f"{launch.argv[0]}: {told}",))
    changed = replace(launch, uid=uid, gid=gid, groups=groups)
    if uid == 0 and read.has("--inh-caps", "--bounding-set", "--ambient-caps"):
        told = "what is left of the capabilities of user 0 is not read here"
        raise UndecidedError((f"{' '.join(launch.argv)}: {told}",))
    for name, value in read.found:
        if name in _SETPRIV_NOTED:
            changed = _noted(changed, f"{name} {value}".strip() + ", said and not done here")
    return _running(changed, read.rest)


_SETPRIV_NOTED = (
    "--no-new-privs", "--nnp", "--inh-caps", "--bounding-set", "--ambient-caps", "--pdeathsig",
    "--securebits",
)  # fmt: skip
_SETPRIV = _options(
    "--clear-groups --keep-groups --init-groups --no-new-privs --nnp",
    "--reuid --regid --euid --ruid --egid --rgid --groups --inh-caps --bounding-set --ambient-caps "
    "--pdeathsig --securebits",
)


def _uid(tree: Tree, launch: Launch, user: str | None) -> int:
    if user is None:
        return launch.uid
    return int(user) if is_id(user) else _account(tree, launch, user).uid


def _gid(tree: Tree, launch: Launch, group: str | None) -> int:
    return launch.gid if group is None else group_id(tree, launch.argv[0], group)


def _account(tree: Tree, launch: Launch, user: str) -> Account:
    for account in read_accounts(tree):
        if user in (account.name, str(account.uid)):
            return account
    raise UndecidedError((f"{launch.argv[0]}: no account {user!r} in /etc/passwd",))


def _groups_of(tree: Tree, account: Account) -> tuple[int, ...]:
    """initgroups(3) with the account's own group: that, and the groups that name the user."""
    members = {group.gid for group in read_groups(tree) if account.name in group.members}
    return (account.gid, *sorted(members - {account.gid}))


def _after_setuidgid(tree: Tree, launch: Launch) -> Launch:
    """setuidgid and s6-setuidgid: `ACCOUNT PROGRAM …`; the groups are the account's own."""
    user, *rest = launch.argv[1:] or ("",)
    if user.startswith("-") or ":" in user:
        raise _unknown(user, launch)
    return _running(_as_account(tree, launch, user), tuple(rest))


def _as_account(tree: Tree, launch: Launch, user: str) -> Launch:
    account = _account(tree, launch, user)
    groups = _groups_of(tree, account)
    return replace(launch, uid=account.uid, gid=account.gid, groups=groups)


def _after_chpst(tree: Tree, launch: Launch) -> Launch:
    """chpst(8): `-u USER[:GROUP]`, `-n INCREMENT`, and limits that are said."""
    read = _read(launch, _options("-v -P -0 -1 -2", "-u -n -m -d -o -p -f -c"))
    user = read.value("-u")
    if user is not None:
        name, *group_names = user.split(":")
        launch = _as_account(tree, launch, name)
        if group_names:
            groups = tuple(group_id(tree, user, group) for group in group_names)
            launch = replace(launch, gid=groups[0], groups=groups)
        else:  # chpst sets the account's group alone
            launch = replace(launch, groups=(launch.gid,))
    for name, value in read.found:
        if name in ("-0", "-1", "-2"):
            raise _unknown(name, launch)
        if name != "-u":
            launch = _noted(launch, f"{name} {value}".strip() + ", said and not done here")
    return _running(launch, read.rest)


# ------------------------------------------------------------------ su and its kin


def _after_su(tree: Tree, launch: Launch) -> Launch:
    """su(1), runuser(1): `[-] USER -c COMMAND`, run by the user's shell; `-` begins anew."""
    words = list(launch.argv[1:])
    is_login, user, command, shell = False, "", None, ""
    arguments: list[str] = []
    while words:
        word = words.pop(0)
        if word in ("-", "-l", "--login"):
            is_login = True
        elif word in ("-c", "--command", "-s", "--shell"):
            value = _next(words, launch)
            command, shell = (value, shell) if word.strip("-")[0] == "c" else (command, value)
        elif word in ("-m", "-p", "--preserve-environment", "--"):
            if word != "--":
                raise _unknown(word, launch)
        elif word.startswith("-"):
            raise _unknown(word, launch)
        elif not user:
            user = word
        else:
            arguments.append(word)
    if command is None or is_login:
        raise UndecidedError((f"{launch.argv[0]} starts a login shell: {' '.join(launch.argv)}",))
    account = _account(tree, launch, user or "root")
    argv = (shell or account.shell or "/bin/sh", "-c", command, *arguments)
    return _running(_as_su(tree, launch, account), argv)


def _as_su(tree: Tree, launch: Launch, account: Account) -> Launch:
    """Without `-`, su sets HOME, SHELL, and for others than root USER and LOGNAME (su(1)); what
    PAM adds is in the image's configuration (pam_mail(8), pam_env(8))."""
    values = _own_variables(account) | {"SHELL": account.shell or "/bin/sh"}
    name = posixpath.basename(launch.argv[0])
    configured = _configured(tree, f"/etc/pam.d/{name}")
    if "pam_mail.so" in configured:
        values["MAIL"] = f"/var/mail/{account.name}"
    given = ("/etc/environment", "/etc/default/locale")
    if "pam_env.so" in configured and any(_configured(tree, path) for path in given):
        raise UndecidedError((f"{launch.argv[0]} takes variables from {' or '.join(given)}",))
    return _with_env(_as_account(tree, launch, account.name), values)


def _own_variables(account: Account) -> dict[str, str]:
    values = {"HOME": account.home or "/"}
    return values | {"USER": account.name, "LOGNAME": account.name} if account.uid else values


def _configured(tree: Tree, path: str) -> str:
    """A configuration file without its comments; "" when there is none."""
    node = tree.resolve(path)
    text = node.content.read().decode("utf-8", "replace") if node and node.content else ""
    return "\n".join(line for line in text.splitlines() if line.strip() and line[0] != "#")


def _after_runuser(tree: Tree, launch: Launch) -> Launch:
    """runuser(1): `-u USER PROGRAM …` runs it without a shell; else it is su(1)."""
    if launch.argv[1:2] != ("-u",) and not any(w.startswith("--user") for w in launch.argv[1:2]):
        return _after_su(tree, launch)
    read = _read(launch, _options("", "-u --user -g --group"))
    account = _account(tree, launch, read.value("-u", "--user") or "")
    changed = _with_env(_as_account(tree, launch, account.name), _own_variables(account))
    group = read.value("-g", "--group")
    if group is not None:
        gid = group_id(tree, launch.argv[0], group)
        changed = replace(changed, gid=gid, groups=(gid,))
    return _running(changed, read.rest)


def _after_sudo(tree: Tree, launch: Launch) -> Launch:
    """sudo(8) keeps of the environment what sudoers(5) says, which is not read here."""
    raise UndecidedError(
        (f"{launch.argv[0]} resets the environment as sudoers says: {' '.join(launch.argv)}",)
    )


# ------------------------------------------------------------------ environment and resources


def _after_env(tree: Tree, launch: Launch) -> Launch:
    """env(1): `-i`, `-u NAME`, `-C DIRECTORY`, `-S STRING`, and assignments."""
    launch = _split_string(launch)
    read = _read(launch, _ENV)
    env = () if read.has("-i", "--ignore-environment") else launch.env
    for name, value in read.found:
        if name in ("-u", "--unset"):
            env = tuple(entry for entry in env if not entry.startswith(f"{value}="))
        elif name in ("-C", "--chdir"):
            launch = replace(launch, cwd=posixpath.normpath(posixpath.join(launch.cwd, value)))
    rest = read.rest
    if rest[:1] == ("-",):
        env, rest = (), rest[1:]
    values: dict[str, str] = {}
    while rest and _ASSIGNMENT.fullmatch(rest[0]):
        name, _, value = rest[0].partition("=")
        values[name], rest = value, rest[1:]
    return _running(_with_env(replace(launch, env=env), values), rest)


_ENV = _options("-i --ignore-environment -v --debug", "-u --unset -C --chdir")


def _split_string(launch: Launch) -> Launch:
    """`env -S 'a b'` splits the string in words, without variables here."""
    for index, word in enumerate(launch.argv[1:3], start=1):
        text = word.removeprefix("--split-string=")
        if word.startswith("-S") or text != word:
            text = text.removeprefix("-S") if text == word else text
            rest = launch.argv[index + 1 :]
            if word == "-S" and rest:
                text, rest = rest[0], rest[1:]
            if "$" in text or "\\" in text:
                raise _unknown(word, launch)
            return replace(
                launch, argv=(*launch.argv[:index], *shlex.split(text, comments=True), *rest)
            )
    return launch


def _after_noted(options: _Options, *, operands: int = 0) -> Callable[[Tree, Launch], Launch]:
    """Programs whose effect a runtime for one program does not have: said, and seen through."""

    def after(tree: Tree, launch: Launch) -> Launch:
        read = _read(launch, options)
        words = read.rest[:operands]
        told = " ".join((*(f"{n} {v}".strip() for n, v in read.found), *words)) or "its effect"
        return _running(_noted(launch, f"{told}, said and not done here"), read.rest[operands:])

    return after


def _after_stdbuf(tree: Tree, launch: Launch) -> Launch:
    raise UndecidedError((f"{launch.argv[0]} sets LD_PRELOAD to a library it looks up",))


def _after_chroot(tree: Tree, launch: Launch) -> Launch:
    """chroot(8) to "/" is a change of user and of working directory."""
    read = _read(launch, _options("--skip-chdir", "--userspec --groups"))
    if read.rest[:1] != ("/",):
        raise UndecidedError((f"{' '.join(launch.argv)} leaves the image's root",))
    changed = launch if read.has("--skip-chdir") else replace(launch, cwd="/")
    if read.has("--groups"):
        raise _unknown("--groups", launch)
    user = read.value("--userspec")
    if user is not None:
        uid, gid, groups = credentials_of(tree, user)
        changed = replace(changed, uid=uid, gid=gid, groups=groups)
    return _running(changed, read.rest[1:])


def _after_start_stop_daemon(tree: Tree, launch: Launch) -> Launch:
    """start-stop-daemon(8) `--start --exec PROGRAM [-- ARGUMENTS]` without `--background`."""
    read = _read(launch, _START_STOP)
    program = read.value("-x", "--exec", "-a", "--startas")
    if program is None or not read.has("-S", "--start"):
        raise UndecidedError((f"{' '.join(launch.argv)}: no program is started",))
    user = read.value("-c", "--chuid")
    if user is not None:
        uid, gid, groups = credentials_of(tree, user)
        launch = replace(launch, uid=uid, gid=gid, groups=groups)
    directory = read.value("-d", "--chdir")
    launch = replace(launch, cwd=posixpath.normpath(directory or "/"))
    umask = read.value("-k", "--umask")
    if umask is not None:
        if not re.fullmatch(r"[0-7]{1,4}", umask):
            raise _unknown(f"--umask {umask}", launch)
        launch = replace(launch, umask=int(umask, 8) & 0o777)
    return _running(launch, (program, *read.rest))


_START_STOP = _options(
    "-S --start -q --quiet -o --oknodo -v --verbose",
    "-x --exec -a --startas -c --chuid -d --chdir -k --umask -u --user -n --name -p --pidfile",
)

_PREFIXES: dict[str, Callable[[Tree, Launch], Launch]] = {
    "tini": _after_init(_TINI),
    "tini-static": _after_init(_TINI),
    "docker-init": _after_init(_TINI),
    "dumb-init": _after_init(_DUMB_INIT),
    "catatonit": _after_init(_CATATONIT),
    "gosu": _after_gosu,
    "su-exec": _after_gosu,
    "setpriv": _after_setpriv,
    "setuidgid": _after_setuidgid,
    "s6-setuidgid": _after_setuidgid,
    "chpst": _after_chpst,
    "su": _after_su,
    "runuser": _after_runuser,
    "sudo": _after_sudo,
    "env": _after_env,
    "nice": _after_noted(_options("", "-n --adjustment")),
    "ionice": _after_noted(_options("-t --ignore", "-c --class -n --classdata")),
    "numactl": _after_noted(
        _options(
            "-a --all -l --localalloc",
            "-i --interleave -N --cpunodebind -C --physcpubind -m --membind -p --preferred",
        )
    ),
    "setsid": _after_noted(_options("-c --ctty -w --wait")),
    "nohup": _after_noted(_options()),
    "timeout": _after_noted(
        _options("--preserve-status --foreground -v --verbose", "-k --kill-after -s --signal"),
        operands=1,
    ),
    "stdbuf": _after_stdbuf,
    "chroot": _after_chroot,
    "start-stop-daemon": _after_start_stop_daemon,
}
_SUPERVISORS = frozenset((
    "supervisord", "s6-svscan", "s6-supervise", "runsvdir", "runsv", "multirun", "circusd", "monit",
    "foreman", "honcho", "pm2-runtime",
))  # fmt: skip
_REFUSED = {
    "unshare": "makes namespaces",
    "nsenter": "enters other namespaces",
    "capsh": "changes capabilities in ways that are not read here",
    "xargs": "takes its arguments from its input",
}
