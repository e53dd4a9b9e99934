"""Environment variables as a user gives them: words of `-e`, files of `--env-file`, and which of
several wins. As docker run(1) has them.

Here a variable is always `NAME=value`; bytes that are not UTF-8 are surrogate escapes, as in
`os.environ`. What a value means, or whether it is a secret, is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .errors import Dock2ukError

# MAX_ARG_STRLEN (execve(2)): the longest string, with the NUL that ends it.
_LONGEST_BYTES = 128 << 10
# What arguments and environment may take, each string with its NUL and its pointer: a quarter of
# the stack that a program begins with.
_ALL_BYTES = 2 << 20
_POINTER_BYTES = 8
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def given(words: Iterable[str], caller: Mapping[str, str]) -> tuple[str, ...]:
    """The words of `-e`: `NAME=value`, or NAME alone for the caller's value, and nothing when the
    caller has none."""
    variables: list[str] = []
    for word in words:
        if not _name(word):
            raise Dock2ukError(
                f"no name of an environment variable in {word!r}", hint="write NAME=value or NAME"
            )
        variables += _with_value(word, caller)
    return tuple(variables)


def read_env_file(path: Path, caller: Mapping[str, str]) -> tuple[str, ...]:
    """The lines of an `--env-file`: as `given`, but for empty lines and those that begin with `#`.
    A value is all that follows the first `=`, quotes and spaces included."""
    variables: list[str] = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            variables += _with_value(_checked(line), caller) if line else ()
        except ValueError as problem:
            raise Dock2ukError(
                f"{path}, line {number}: {problem}", hint="a line is NAME=value, NAME or # comment"
            ) from problem
    return tuple(variables)


def merged(base: Iterable[str], over: Iterable[str]) -> tuple[str, ...]:
    """Each variable once, where it was first, with the last value it was given."""
    return tuple({_name(variable): variable for variable in (*base, *over)}.values())


def require_fit(variables: Iterable[str]) -> None:
    """Dock2ukError for what no program can be started with (execve(2))."""
    total_bytes = 0
    for variable in variables:
        size_bytes = len(variable.encode(errors="surrogateescape")) + 1
        total_bytes += size_bytes + _POINTER_BYTES
        if "\0" in variable:
            raise Dock2ukError(f"a NUL byte in the environment variable {_name(variable)}")
        if size_bytes > _LONGEST_BYTES:
            raise Dock2ukError(
                f"the environment variable {_name(variable)} has {size_bytes} bytes, "
                f"and no program can be given more than {_LONGEST_BYTES}"
            )
    if total_bytes > _ALL_BYTES:
        raise Dock2ukError(
            f"the environment has {total_bytes} bytes, and a program can be given {_ALL_BYTES}"
        )


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        data = file.read(_ALL_BYTES + 1)
    if len(data) > _ALL_BYTES:
        raise Dock2ukError(f"{path} has more than the {_ALL_BYTES} bytes of an environment")
    for line in data.removeprefix(_BYTE_ORDER_MARK).split(b"\n"):
        line = line.removesuffix(b"\r").lstrip()
        yield b"" if line.startswith(b"#") else line


def _checked(line: bytes) -> str:
    text = line.decode()  # UnicodeDecodeError is a ValueError
    name = _name(text)
    if not name:
        raise ValueError("no name before the =")
    if any(character.isspace() for character in name):
        raise ValueError(f"a space in the name {name!r}")
    if "\0" in text:
        raise ValueError(f"a NUL byte in the value of {name}")
    return text


def _with_value(word: str, caller: Mapping[str, str]) -> tuple[str, ...]:
    if "=" in word:
        return (word,)
    return (f"{word}={caller[word]}",) if word in caller else ()


def _name(variable: str) -> str:
    return variable.partition("=")[0]
