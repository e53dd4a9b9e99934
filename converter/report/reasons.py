"""What became of each path of the image, and why: `strip`'s decisions, as evidence tells them."""

from __future__ import annotations

from collections.abc import Mapping

from ..model import Keep, Rootfs

# Each path that start-up left has a decision.
REMOVED_BEFORE = "gone: start-up removed it"


def reasons(rootfs: Rootfs) -> Mapping[str, str]:
    """Path -> "dropped: …" or "kept: …", and what was made of it there; "added: …"."""
    found = {
        one.path: f"{'kept' if isinstance(one, Keep) else 'dropped'}: {one.because}"
        for one in rootfs.decisions
    }
    for one in rootfs.added:
        decided = found.get(one.path)
        found[one.path] = f"{decided}; {one.because}" if decided else f"added: {one.because}"
    return found
