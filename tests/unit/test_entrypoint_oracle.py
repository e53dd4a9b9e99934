"""Scripts made at random: what is read from them is what the shell of this machine does."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest
from tiny_elf import tiny_elf
from trees import Entry, image, program

from dock2uk import entrypoint
from dock2uk.errors import UnsupportedError
from dock2uk.model import ImageConfig

WORDS = ("server", "other", "-v", "--flag=1", "", "a b")
TESTS = (
    '[ "$1" = server ]', '[ "$1" != \'other\' ]', '[ "${1#-}" != "$1" ]', "[ $# -gt 1 ]",
    '[ -z "$1" ]', '[ -n "$SET" ]', '[ "$1" ]', '[ "$1" = server -a "$2" = -v ]', "true",
    '[ "$1" = server -o "$UNSET" = x ]', '[ ! "$1" = server ]', '! [ "$SET" = yes ]', "false",
    '[ "$(id -u)" = 0 ]', 'test "${UNSET:-server}" = "$1"', '[ "${SET+x}${UNSET:+y}" = x ]',
)  # fmt: skip
ACTIONS = (
    'set -- server "$@"', 'set -- "$@" "a b"', "shift 1", ":", "echo nothing", "export SEEN=1",
    'exec other "$@" \'x y\'', 'exec server "${1:-none}" "$SET"',
)  # fmt: skip
STUB = '#!/bin/sh\nprintf "%s\\0" "${0##*/}" "$@" >&9\n'


def make_list(generator: random.Random) -> str:
    parts = [generator.choice(TESTS)]
    while generator.random() < 0.4:
        parts += [generator.choice(("&&", "||")), generator.choice(TESTS)]
    return " ".join(parts)


def make_block(generator: random.Random, depth: int) -> str:
    kind = generator.random()
    if kind < 0.4 or depth == 0:
        return generator.choice(ACTIONS)
    if kind < 0.6:
        return f"{make_list(generator)} && {generator.choice(ACTIONS)}"
    if kind < 0.7:
        return f"{{ {make_block(generator, depth - 1)}\n}}"
    text = f"if {make_list(generator)}; then\n{make_block(generator, depth - 1)}\n"
    if generator.random() < 0.4:
        text += f"elif {make_list(generator)}; then\n{make_block(generator, depth - 1)}\n"
    if generator.random() < 0.5:
        text += f"else\n{make_block(generator, depth - 1)}\n"
    return text + "fi"


def make_script(generator: random.Random) -> str:
    blocks = [make_block(generator, 2) for _ in range(generator.randint(1, 4))]
    return "#!/bin/sh\n" + "\n".join(blocks) + '\nexec "$@"\n'


def shell_runs(script: Path, arguments: list[str], programs: Path) -> tuple[str, ...]:
    """The argv of the stub that the machine's own shell ends in; () when in none."""
    command = ["/bin/sh", "-c", 'exec "$@" 9>&1 >/dev/null 2>/dev/null', "sh", script, *arguments]
    env = {"PATH": f"{programs}:/usr/bin:/bin", "SET": "yes"}
    done = subprocess.run(command, env=env, capture_output=True, timeout=10, check=False)
    return tuple(word.decode() for word in done.stdout.split(b"\0")[:-1])


def reading_says(script: str, arguments: list[str]) -> tuple[str, ...] | None:
    """The argv that is read from the script; () when there is no such program, None undecided."""
    entries: dict[str, Entry] = {
        "/bin/sh": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/usr/bin/other": program("", tiny_elf()),
        "/start": program("", script.encode()),
    }
    config = ImageConfig(
        entrypoint=("/start",), cmd=tuple(arguments), env=("SET=yes",), user=str(os.getuid())
    )
    try:
        return entrypoint.resolve(image(entries, config)).argv
    except UnsupportedError as refused:
        is_absent = all("is not in the image" in reason for reason in refused.reasons)
        return () if is_absent else None


@pytest.mark.parametrize("seed", range(4))
def test_reading_a_script_says_what_running_it_does(seed: int, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("server", "other"):
        (programs / name).write_text(STUB)
        (programs / name).chmod(0o755)
    generator = random.Random(seed)
    decided = 0
    for number in range(50):
        script = make_script(generator)
        arguments = [generator.choice(WORDS) for _ in range(generator.randint(0, 3))]
        said = reading_says(script, arguments)
        if said is None:
            continue
        decided += 1
        file = tmp_path / f"script{number}"
        file.write_text(script)
        file.chmod(0o755)
        assert shell_runs(file, arguments, programs) == said, (script, arguments)
    assert decided > 25
