"""What `docker run` would start: the first execve(2) of the container, before any wrapper is read.

Follows OCI image-spec config.md § Conversion and moby's defaults for what the spec leaves open.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from ..accounts import is_id, read_accounts, read_groups
from ..errors import UnsupportedError
from ..model import Image, ImageConfig, Tree

# moby/oci defaults.go: DefaultPathEnv, for images that set none.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DEFAULT_UMASK = 0o022


@dataclass(frozen=True, slots=True)
class Launch:
    """The arguments of one execve(2) and the state of the process that makes it."""

    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    umask: int = _DEFAULT_UMASK
    evidence: tuple[str, ...] = ()

    def variable(self, name: str) -> str | None:
        """An environment variable's value; the last setting wins, as in environ(7)."""
        values = [entry.partition("=")[2] for entry in self.env if entry.startswith(f"{name}=")]
        return values[-1] if values else None


def first_launch(image: Image) -> Launch:
    """How the container's first process starts."""
    config = image.config
    argv = config.entrypoint + config.cmd
    if not argv or not argv[0]:
        raise UnsupportedError(
            ("the image's config has neither Entrypoint nor Cmd: nothing says what it runs",)
        )
    uid, gid, groups = credentials_of(image.tree, config.user)
    cwd = posixpath.normpath("/" + config.working_dir.lstrip("/"))
    evidence = [f"config: Entrypoint {list(config.entrypoint)}, Cmd {list(config.cmd)}"]
    if image.tree.resolve(cwd) is None:
        evidence.append(f"config: WorkingDir {cwd} is not in the image; created, as docker does")
    return Launch(
        argv=argv,
        env=_environment(image, uid),
        cwd=cwd,
        uid=uid,
        gid=gid,
        groups=groups,
        evidence=tuple(evidence),
    )


def credentials_of(tree: Tree, user: str) -> tuple[int, int, tuple[int, ...]]:
    """uid, gid and groups of a `User` value: name, uid, name:group, uid:gid or a mix.

    As moby/sys/user does: an unknown number is taken as it is, an unknown name is an error, and
    supplementary groups are looked up only when no group is written.
    """
    user_part, separator, group_part = user.partition(":")
    accounts = read_accounts(tree)
    account = next(
        (a for a in accounts if user_part in (a.name, str(a.uid)) or (not user_part and not a.uid)),
        None,
    )
    if account is None and user_part and not is_id(user_part):
        raise UnsupportedError((f"User {user!r}: no account {user_part!r} in /etc/passwd",))
    uid = account.uid if account else int(user_part or 0)
    if separator and group_part:
        gid = _group_id(tree, user, group_part)
        return uid, gid, (gid,)
    gid = account.gid if account else 0
    members = {g.gid for g in read_groups(tree) if account and account.name in g.members}
    return uid, gid, (gid, *sorted(members - {gid}))


def _group_id(tree: Tree, user: str, group_part: str) -> int:
    for group in read_groups(tree):
        if group_part in (group.name, str(group.gid)):
            return group.gid
    if is_id(group_part):
        return int(group_part)
    raise UnsupportedError((f"User {user!r}: no group {group_part!r} in /etc/group",))


def home_of(tree: Tree, uid: int) -> str:
    """The home directory of a uid; "/" when the image has no account for it, as docker sets."""
    return next((a.home for a in read_accounts(tree) if a.uid == uid and a.home), "/")


def _environment(image: Image, uid: int) -> tuple[str, ...]:
    """The image's variables, and those docker adds when the image does not set them."""
    env = {name: value for name, _, value in (e.partition("=") for e in image.config.env)}
    defaults = {"PATH": DEFAULT_PATH, "HOSTNAME": _hostname(image.reference)}
    return tuple(
        f"{name}={value}"
        for name, value in (
            defaults | env | {"HOME": env.get("HOME", home_of(image.tree, uid))}
        ).items()
    )


def _hostname(reference: str) -> str:
    """A stable name where docker would give a random container ID: the repository's last word."""
    last = posixpath.basename(reference.partition("@")[0].rstrip("/")).split(":")[0]
    return re.sub(r"[^a-z0-9-]+", "-", last.lower()).strip("-")[:63] or "localhost"


def ports_of(config: ImageConfig) -> tuple[str, ...]:
    """ExposedPorts with the protocol written out ("80" means "80/tcp"), in order."""
    ports = {port if "/" in port else f"{port}/tcp" for port in config.exposed_ports}
    return tuple(sorted(ports, key=lambda port: (len(port.partition("/")[0]), port)))
