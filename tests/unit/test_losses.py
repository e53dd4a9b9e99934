"""What got worse follows from the image, the recording and the result, and is said of no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dock2uk.model import AppliedRecipe, ImageConfig, Observed, Rootfs, SeenRun
from dock2uk.report.losses import Converted, losses
from dock2uk.runtime import Match, SystemCall
from tests import values
from tests.unit.trees import program, tree

SETUID, READ = 105, 0
WITH_PROCESSES = (SystemCall(0, "read", "full", ""), SystemCall(57, "fork", "full", ""))
WITH_A_SHELL = tree({"/app": program("", b"app"), "/bin/sh": program("", b"shell")})
GONE = "what is written is gone with the machine"
SEPARATION = "no privilege separation"
ONE = "several processes become one"
SHELL = "no shell to look around with"
HEALTHCHECK = "the health check is not run"


def seen(**more: Any) -> SeenRun:
    fields: dict[str, Any] = {
        "written": (), "processes": ("/app",), "forks": 0, "execs": 0, "binders": (), "called": {},
    }  # fmt: skip
    return SeenRun(**(fields | more))


def lost(
    config: ImageConfig | None = None,
    *,
    run: SeenRun | None = None,
    uid: int = 0,
    calls: tuple[SystemCall, ...] = WITH_PROCESSES[:1],
    unneeded: Mapping[str, str] | None = None,
    observed: Observed | None = None,
) -> dict[str, str]:
    image = values.image(config=config or ImageConfig(), tree=WITH_A_SHELL)
    runtime = values.artifact().match.runtime
    return dict(
        losses(
            Converted(
                image,
                values.entrypoint(uid=uid, seen=run),
                Rootfs(tuple(node for node in WITH_A_SHELL if node.path == "/app"), (), ()),
                Match(runtime, runtime.library, calls, (), ()),
                unneeded or {},
                observed,
            )
        )
    )


def test_ring_0_stands_first_and_what_is_of_this_image_before_the_rest() -> None:
    names = list(lost(ImageConfig(volumes=("/data",))))
    assert names[0] == "no separation of users"
    assert names.index(GONE) < names.index("the library OS is new code")


def test_what_is_written_is_gone() -> None:
    outside = tuple(f"/var/lib/db/{number}" for number in range(1299))
    found = lost(ImageConfig(volumes=("/data/",)), run=seen(written=("/data/dump", *outside)))
    assert "volumes (/data/), and 1,299 other paths" in found[GONE]
    assert "/var/lib/db/4, 1,294 more" in found[GONE]
    assert GONE not in lost(run=seen())
    assert "boot: 1 paths" in lost(run=seen(written=("/x",)))[GONE]
    assert "what it writes was not recorded" in lost()[GONE]
    assert "what else it writes" in lost(ImageConfig(volumes=("/data",)))[GONE]
    assert "was not recorded" in lost(run=seen(written=None))[GONE]


def test_privilege_separation_is_named_where_it_was_seen() -> None:
    workers = seen(processes=("/app",) * 3, called={"/app": frozenset({SETUID})})
    found = lost(run=workers)
    assert "the one process begins as user 0" in found[SEPARATION]
    assert "3 processes were at rest" in found[ONE]
    still = lost(run=workers, calls=WITH_PROCESSES)
    assert "all have the kernel's privilege level" in still[SEPARATION]
    assert ONE not in still
    assert SEPARATION not in lost(run=workers, uid=101)
    assert SEPARATION not in lost(run=seen(processes=("/app",) * 3))
    assert SEPARATION not in lost(run=seen(called={"/app": frozenset({SETUID})}))
    elsewhere = seen(processes=("/app",) * 3, called={"/usr/bin/gosu": frozenset({SETUID})})
    assert SEPARATION not in lost(run=elsewhere)
    gives_it_up = Observed("a run", frozenset(), frozenset({SETUID}))
    assert SEPARATION not in lost(run=workers, observed=gives_it_up)


def test_a_recipe_that_takes_processes_away_is_told_without_a_recording() -> None:
    taken = {"processes": "recipe app makes the program do without"}
    found = lost(unneeded=taken, calls=WITH_PROCESSES)
    assert found[SEPARATION].startswith("The recipe app makes the program do without processes")
    assert SEPARATION not in lost(unneeded=taken, uid=101)


@pytest.mark.parametrize(
    ("test", "is_lost"),
    [
        ((), False),
        (("CMD-SHELL", "curl -u a:s3cret http://x/"), True),
        (("CMD", "/x"), True),
        (("NONE",), False),
    ],
)
def test_a_health_check_that_counts_is_told_without_its_command(
    test: tuple[str, ...], *, is_lost: bool
) -> None:
    found = lost(ImageConfig(health_check=test))
    assert (HEALTHCHECK in found) is is_lost
    assert "s3cret" not in "".join(found.values())


def test_a_shell_is_lost_where_there_was_one_and_is_none() -> None:
    assert SHELL in lost()
    image = values.image(tree=WITH_A_SHELL)
    match = values.artifact().match
    kept = dict(
        losses(Converted(image, values.entrypoint(), Rootfs(tuple(WITH_A_SHELL), (), ()), match))
    )
    assert SHELL not in kept
    assert "no `docker exec`" in kept
    never = dict(losses(Converted(values.image(), values.entrypoint(), Rootfs((), (), ()), match)))
    assert SHELL not in never


def test_what_every_recipe_changes_and_permits_is_told() -> None:
    recipe = AppliedRecipe("app", "because", "did this", write_execute="it compiles")
    image, entrypoint = values.image(), values.entrypoint(recipes=(recipe,))
    found = losses(Converted(image, entrypoint, Rootfs((), (), ()), values.artifact().match))
    assert ("started otherwise than the container (app)", "did this: because") in found
    assert found[-1] == ("memory that is writable and executable at once", "it compiles")
