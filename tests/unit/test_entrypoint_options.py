"""What is typed about the program, as the stage takes it."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

import pytest

from dock2uk.entrypoint import DEFAULTS, Resolve
from dock2uk.entrypoint_options import ResolveHow, program_options, variables
from dock2uk.errors import Dock2ukError
from dock2uk.option_groups import taking


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server -g 'daemon off;'", ("server", "-g", "daemon off;")),
        ('["server", "-g", "daemon off;"]', ("server", "-g", "daemon off;")),
        ("", ()),
        (" [ ] ", ()),
    ],
)
def test_commands_are_words_of_a_shell_or_a_list(text: str, words: tuple[str, ...]) -> None:
    said = program_options(entrypoint=text, cmd=text).overrides
    assert (said.entrypoint, said.cmd) == (words, words)


def test_what_is_not_said_is_left_to_the_image() -> None:
    assert program_options() == DEFAULTS
    said = program_options().overrides
    assert (said.entrypoint, said.cmd, said.user, said.workdir) == (None, None, None, None)


@pytest.mark.parametrize("text", ['server "-x', "[1]", '["a"', "[[]]"])
def test_what_is_no_command_is_told_with_the_option(text: str) -> None:
    with pytest.raises(Dock2ukError, match="--cmd"):
        program_options(cmd=text)


def test_words_beat_files_and_names_alone_take_what_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", "1")
    file = tmp_path / "env"
    file.write_text("A=file\nB=file\nHERE\n")
    assert variables([file], ["A=word", "NOT_HERE"]) == ("A=word", "B=file", "HERE=1")
    assert variables(None, None) == ()


def test_a_command_has_the_options_of_its_groups() -> None:
    command = taking(program=program_options)(lambda program, name="x": (program, name))
    words = {one: None for one in signature(command).parameters if one != "name"}
    given = words | {"how": ResolveHow.record, "is_baked": True, "timeout_s": 5.0, "name": "y"}
    program, name = command(**given)
    assert (program.resolve, program.is_baked, program.bounds.time_s, name) == (
        Resolve.RECORD,
        True,
        5.0,
        "y",
    )
