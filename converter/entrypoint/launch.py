"""What `docker run` would start: the first execve(2) of the container, before any wrapper is read.

Follows OCI image-spec config.md § Conversion and moby's defaults for what the spec leaves open.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from enum import Enum

from ..accounts import is_id, read_accounts, read_groups
from ..errors import UnsupportedError
from ..model import Image, ImageConfig, Overrides, ResourceLimit, Tree

# moby/oci defaults.go: DefaultPathEnv, for images that set none.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DEFAULT_UMASK = 0o022


class Reach(Enum):
    """What start-up work may have done at a path."""

    ALL = "made, changed or removed it, and whatever is in it"
    MADE = "made or changed it, and the directories above it"
    RIGHTS = "changed owner or mode, of what is in it as well"


@dataclass(frozen=True, slots=True)
class Changed:
    """A path that start-up work which was not run may have changed."""

    path: str  # "/" with Reach.ALL: any that the user may write to
    uid: int
    reach: Reach = Reach.ALL


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
    left_out: tuple[str, ...] = ()  # start-up work that was not run, one line each
    changed: frozenset[Changed] = frozenset()  # what that work may have changed
    limits: tuple[ResourceLimit, ...] = ()  # those that start-up set
    has_machine_hostname: bool = False  # HOSTNAME stands in for what the engine would choose

    def variable(self, name: str) -> str | None:
        """An environment variable's value; the last setting wins, as in environ(7)."""
        values = [entry.partition("=")[2] for entry in self.env if entry.startswith(f"{name}=")]
        return values[-1] if values else None


def overridden(config: ImageConfig, overrides: Overrides) -> ImageConfig:
    """The config that `docker run` with these options uses; another Entrypoint drops the image's
    Cmd (docker run reference § ENTRYPOINT)."""
    entrypoint, cmd = config.entrypoint, config.cmd
    if overrides.entrypoint is not None:
        entrypoint, cmd = overrides.entrypoint, ()
    return replace(
        config,
        entrypoint=entrypoint,
        cmd=cmd if overrides.cmd is None else overrides.cmd,
        env=(*config.env, *overrides.env),
        user=config.user if overrides.user is None else overrides.user,
        working_dir=config.working_dir if overrides.workdir is None else overrides.workdir,
    )


def _said(overrides: Overrides) -> tuple[str, ...]:
    """A line for each override."""
    lines = []
    if overrides.entrypoint is not None:
        lines.append(f"--entrypoint: {list(overrides.entrypoint)}; the image's Cmd is dropped")
    if overrides.cmd is not None:
        lines.append(f"--cmd: {list(overrides.cmd)}")
    # Names only: a value may be a secret, and evidence is printed.
    lines += [f"--env: {entry.partition('=')[0]}" for entry in overrides.env]
    if overrides.user is not None:
        lines.append(f"--user: {overrides.user}")
    if overrides.workdir is not None:
        lines.append(f"--workdir: {overrides.workdir}")
    return tuple(lines)


_NO_OVERRIDES = Overrides()


def first_launch(image: Image, overrides: Overrides = _NO_OVERRIDES) -> Launch:
    """How the container's first process starts."""
    config = overridden(image.config, overrides)
    argv = config.entrypoint + config.cmd
    if not argv or not argv[0]:
        raise UnsupportedError(
            ("the image's config has neither Entrypoint nor Cmd: nothing says what it runs",)
        )
    uid, gid, groups = credentials_of(image.tree, config.user)
    cwd = posixpath.normpath("/" + config.working_dir.lstrip("/"))
    taken = image.config
    evidence = [f"config: Entrypoint {list(taken.entrypoint)}, Cmd {list(taken.cmd)}"]
    evidence += _said(overrides)
    if image.tree.resolve(cwd) is None:
        evidence.append(f"config: WorkingDir {cwd} is not in the image; created, as docker does")
    return Launch(
        argv=argv,
        env=_environment(replace(image, config=config), uid),
        cwd=cwd,
        uid=uid,
        gid=gid,
        groups=groups,
        evidence=tuple(evidence),
        changed=_made_by_the_engine(image, config, cwd),
        has_machine_hostname=not any(entry.startswith("HOSTNAME=") for entry in config.env),
    )


def _made_by_the_engine(image: Image, config: ImageConfig, cwd: str) -> frozenset[Changed]:
    """Directories that are there when the container starts though the image has none."""
    made = (cwd, *(posixpath.normpath("/" + volume.lstrip("/")) for volume in config.volumes))
    return frozenset(
        Changed(path, 0, Reach.MADE) for path in made if image.tree.resolve(path) is None
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
        gid = group_id(tree, user, group_part)
        return uid, gid, (gid,)
    gid = account.gid if account else 0
    members = {g.gid for g in read_groups(tree) if account and account.name in g.members}
    return uid, gid, (gid, *sorted(members - {gid}))


def group_id(tree: Tree, user: str, group_part: str) -> int:
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
