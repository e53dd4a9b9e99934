"""File capabilities are shown as getcap(8) shows them: the words here are its own."""

from __future__ import annotations

import struct

import pytest

from dock2uk import file_capabilities
from dock2uk.errors import Dock2ukError
from dock2uk.model import Rootfs
from dock2uk.report.metrics import file_metrics
from tests.nodes import file
from tests.unit.trees import tree

ALL = (1 << 41) - 1
NET_BIND, NET_RAW, KILL, CHOWN = 1 << 10, 1 << 13, 1 << 5, 1 << 0


def value(
    revision: int, effective: int, permitted: int, inheritable: int = 0, root: int | None = None
) -> bytes:
    """struct vfs_cap_data of linux/capability.h."""
    words = [revision << 24 | effective]
    for shift in (0,) if revision == 1 else (0, 32):
        words += [mask >> shift & 0xFFFF_FFFF for mask in (permitted, inheritable)]
    words += [] if root is None else [root]
    return struct.pack(f"<{len(words)}I", *words)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (value(2, 1, NET_BIND), "cap_net_bind_service=ep"),
        (value(2, 0, NET_BIND), "cap_net_bind_service=p"),
        (value(1, 1, NET_RAW), "cap_net_raw=ep"),
        (value(3, 1, NET_BIND, root=1000), "cap_net_bind_service=ep [rootid=1000]"),
        (value(2, 1, NET_BIND | NET_RAW), "cap_net_bind_service,cap_net_raw=ep"),
        (value(2, 1, NET_BIND | NET_RAW, NET_RAW), "cap_net_raw=eip cap_net_bind_service+ep"),
        (value(2, 1, ALL), "=ep"),
        (value(2, 0, ALL, ALL), "=ip"),
        (value(2, 1, ALL & ~CHOWN), "=ep cap_chown-ep"),
        (value(2, 1, ALL & ~KILL, KILL), "=ep cap_kill+i-p"),
        (value(2, 1, 1 << 40), "cap_checkpoint_restore=ep"),
        (value(2, 1, 0), "="),
    ],
)
def test_they_are_shown_as_getcap_shows_them(given: bytes, shown: str) -> None:
    assert file_capabilities.text(file_capabilities.read(given)) == shown


@pytest.mark.parametrize(
    "given", [b"", b"\0", value(2, 1, 1)[:-1], value(1, 1, 1) + b"\0", value(4, 1, 1)]
)
def test_what_the_kernel_would_not_take_is_an_error(given: bytes) -> None:
    with pytest.raises(Dock2ukError, match="no known revision"):
        file_capabilities.read(given)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (value(2, 1, NET_BIND), "cap_net_bind_service=ep"),
        (b"x", "security.capability of 1 bytes is of no known revision"),
    ],
)
def test_the_report_has_them_as_evidence(given: bytes, shown: str) -> None:
    caddy = file("/usr/bin/caddy", b"c", 0o755, xattrs={file_capabilities.ATTRIBUTE: given})
    metrics = {one.id: one for one in file_metrics(tree({caddy.path: caddy}), Rootfs((), (), ()))}
    found = metrics["capabilities"]
    assert (found.before, found.evidence_before) == (1, (f"/usr/bin/caddy (0755 0:0) {shown}",))
