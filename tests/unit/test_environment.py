"""Variables given by `-e` and `--env-file`, as docker takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dock2uk.environment import given, merged, read_env_file, require_fit
from dock2uk.errors import Dock2ukError

CALLER = {"HOME": "/root", "ODD": "a=b \udcff", "EMPTY": ""}


def read(tmp_path: Path, content: bytes) -> tuple[str, ...]:
    path = tmp_path / "variables"
    path.write_bytes(content)
    return read_env_file(path, CALLER)


def test_a_word_has_its_value_or_the_callers() -> None:
    words = ("A=1", "B=", "C==x y", "HOME", "ODD", "EMPTY", "NOT_THERE")
    assert given(words, CALLER) == (
        "A=1", "B=", "C==x y", "HOME=/root", "ODD=a=b \udcff", "EMPTY=",
    )  # fmt: skip


@pytest.mark.parametrize("word", ["", "=", "=value"])
def test_a_word_without_a_name_is_refused(word: str) -> None:
    with pytest.raises(Dock2ukError, match="no name"):
        given((word,), CALLER)


@pytest.mark.parametrize(
    ("content", "variables"),
    [
        (b"", ()),
        (b"A=1", ("A=1",)),
        (b"\xef\xbb\xbfA=1\nB=2\n", ("A=1", "B=2")),
        (b"A=1\r\nB=2\r\n", ("A=1", "B=2")),
        (b"# A=1\n  # B=2\n\n   \nC=3\n", ("C=3",)),
        (b"A='1' # two \n", ("A='1' # two ",)),
        (b'A="1"\nB= 2\n', ('A="1"', "B= 2")),
        (b"  A=1\n\tB=2\n", ("A=1", "B=2")),
        (b"HOME\nNOT_THERE\nEMPTY\n", ("HOME=/root", "EMPTY=")),
        (b"A=1\nA=2\n", ("A=1", "A=2")),
        ("A=é=\x0b\x1c\u2028x\n".encode(), ("A=é=\x0b\x1c\u2028x",)),
    ],
)
def test_a_file_has_docker_s_format(
    tmp_path: Path, content: bytes, variables: tuple[str, ...]
) -> None:
    assert read(tmp_path, content) == variables


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"=1", "no name"),
        (b"A B=1", "a space in the name 'A B'"),
        (b"A =1", "a space in the name 'A '"),
        (b"HOME ", "a space in the name 'HOME '"),
        (b"export A=1", "a space"),
        (b"A=\xff", "utf-8"),
        (b"A=\0", "NUL"),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, line: bytes, problem: str) -> None:
    with pytest.raises(Dock2ukError, match=f"variables, line 3: .*{problem}"):
        read(tmp_path, b"A=1\n# comment\n" + line + b"\nB=2\n")


def test_a_file_without_end_is_not_read_to_it() -> None:
    with pytest.raises(Dock2ukError, match="/dev/zero has more than"):
        read_env_file(Path("/dev/zero"), CALLER)


def test_the_last_value_wins_and_the_place_stays() -> None:
    assert merged(("A=1", "B=2", "A=3"), ("C=4", "B=5=6")) == ("A=3", "B=5=6", "C=4")


def test_what_execve_refuses_is_refused() -> None:
    longest = "A=" + "x" * ((128 << 10) - 3)
    require_fit((longest,))
    with pytest.raises(Dock2ukError, match="variable A has 131073 bytes"):
        require_fit((longest + "x",))
    with pytest.raises(Dock2ukError, match="variable A has"):
        require_fit(("A=" + "é" * (64 << 10),))
    with pytest.raises(Dock2ukError, match="the environment has"):
        require_fit([f"A{number}=x" for number in range(200_000)])
    with pytest.raises(Dock2ukError, match="NUL byte in the environment variable A"):
        require_fit(("A=x\0B=y",))
