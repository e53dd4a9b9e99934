"""Values between stages, made up for a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dock2uk.model import Artifact, Entrypoint, Image, ImageConfig, Node, Origin
from dock2uk.runtime import Driver, Match, Runtime, SystemCall


class NoTree:
    """The tree of an image whose files do not matter."""

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

    def get(self, path: str) -> Node | None:
        return None

    def resolve(self, path: str, *, cwd: str = "/") -> Node | None:
        return None

    def chain(self, path: str) -> tuple[str, ...]:
        return ()

    def children(self, path: str) -> tuple[Node, ...]:
        return ()


def image(**more: Any) -> Image:
    fields: dict[str, Any] = {
        "reference": "app:latest",
        "digest": "sha256:" + "0" * 64,
        "config": ImageConfig(),
        "layers": (),
        "tree": NoTree(),
        "origin": Origin(name="app"),
    }
    return Image(**(fields | more))


def entrypoint(**more: Any) -> Entrypoint:
    fields: dict[str, Any] = {
        "exe": "/app",
        "argv": ("app", "--flag"),
        "env": ("PATH=/bin",),
        "cwd": "/",
        "uid": 0,
        "gid": 0,
        "groups": (),
        "umask": 0o022,
        "stop_signal": 15,
        "ports": ("80/tcp",),
        "method": "elf",
        "evidence": ("a test made it up",),
    }
    return Entrypoint(**(fields | more))


def artifact(attacker: Path | None = None) -> Artifact:
    calls = (SystemCall(0, "read", "full", ""), SystemCall(1, "write", "full", ""))
    here = Path("/nowhere")
    runtime = Runtime(
        name="husk", version="1", directory=here, library=here, linker_script=here,
        elf_types=("ET_EXEC",), elf_machine="x86_64", system_calls=calls, drivers=(Driver("nic"),),
        machines=("pc",), minimum_memory_bytes=1 << 24, attacker=attacker,
        components=(("tcp-stack", "0.1.2"),),
    )  # fmt: skip
    match = Match(runtime, Path(__file__), calls[:1], ("nic",), (), machines=("pc",))
    return Artifact(here / "unikernel.elf", "0" * 64, 1000, 600, 300, 900, 400, match)
