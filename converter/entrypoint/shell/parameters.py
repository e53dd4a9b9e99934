"""Parameters and their expansions: `$1`, `$#`, `"$@"`, `${NAME:-word}` and its kin (XCU § 2.6.2).

Of bash: `${NAME:offset:length}`, `${NAME/pattern/text}`, `${!NAME}`, `${!PREFIX@}`, `${NAME^^}`,
indexed arrays. A name that the shell itself gives a value that changes is not known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import words
from .grammar import text_of
from .patterns import expression, is_quick
from .state import FAILED, Shell
from .values import Unknown, Value, all_known

if TYPE_CHECKING:
    from tree_sitter import Node

    from .words import Expander, Piece

_HEAD = re.compile(
    r"\$\{(?P<mark>[!#]?)(?P<name>[A-Za-z_]\w*|[0-9]+|[@*?$!#-])(?P<index>\[[^][]*\])?"
)
_DEFAULTS = re.compile(r":?[-=?+]")
_TRIMS = re.compile(r"##?|%%?")
_REPLACES = re.compile(r"/[/#%]?")
# What a shell sets without being told (bash(1) § Shell Variables, dash(1)); never guessed.
_SHELLS_OWN = frozenset((
    "BASH", "BASHOPTS", "BASHPID", "BASH_ARGC", "BASH_ARGV", "BASH_COMMAND", "BASH_LINENO",
    "BASH_SUBSHELL", "BASH_VERSINFO", "BASH_VERSION", "COLUMNS", "DIRSTACK", "EPOCHREALTIME",
    "EPOCHSECONDS", "GROUPS", "HISTCMD", "HOSTNAME", "HOSTTYPE", "IFS", "LINENO", "LINES",
    "MACHTYPE", "MAILCHECK", "OPTARG", "OPTERR", "OPTIND", "OSTYPE", "PIPESTATUS", "PPID", "PS1",
    "PS2", "PS4", "RANDOM", "REPLY", "SECONDS", "SHELL", "SHELLOPTS", "SHLVL", "SRANDOM", "TERM",
    "_",
))  # fmt: skip


class ExpansionFailure(Exception):  # noqa: N818 - the shell's failure, not ours
    """The shell would write a message and end: `${NAME:?}`, `set -u`."""


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A `${…}` taken apart."""

    node: Node
    name: str
    index: str  # "[@]", "[2]", ""
    operator: str
    operand: tuple[int, int]  # its span of bytes
    in_quotes: bool


# ------------------------------------------------------------------ values


def lookup(expander: Expander, name: str) -> Value | None:
    """A parameter's value; None when it is not set."""
    state = expander.state
    if name.isdigit():
        return _positional(expander, int(name))
    if name in state.variables:
        return state.variables[name].scalar
    special = _special(expander, name)
    if special is not None:
        return special
    world = expander.machine.world
    if name in ("UID", "EUID") and world.shell is Shell.BASH:
        return str(world.launch.uid)
    if name in _SHELLS_OWN:
        return Unknown(f"the shell's own {name}")
    values = array(expander, name)
    return values[0] if values else None


def _positional(expander: Expander, number: int) -> Value | None:
    if number == 0:
        return expander.machine.world.script
    arguments = expander.state.arguments
    if isinstance(arguments, Unknown):
        return arguments
    return arguments[number - 1] if number <= len(arguments) else None


def _special(expander: Expander, name: str) -> Value | None:
    state = expander.state
    if name == "#":
        arguments = state.arguments
        return arguments if isinstance(arguments, Unknown) else str(len(arguments))
    if name == "?":
        is_known = state.status is not None and state.status != FAILED
        return str(state.status) if is_known else Unknown("the status of a command that is not run")
    return Unknown(f"${name}") if name in ("$", "!", "-") else None


def array(expander: Expander, name: str) -> tuple[Value, ...] | None:
    """All elements; None when it is not set. FUNCNAME and BASH_SOURCE are bash's call stack."""
    place = expander.place
    if name in ("@", "*"):
        arguments = expander.state.arguments
        return (arguments,) if isinstance(arguments, Unknown) else arguments
    if name == "FUNCNAME" and expander.machine.world.shell is Shell.BASH:
        return (*place.functions, "main") if place.functions else ()
    if name == "BASH_SOURCE" and expander.machine.world.shell is Shell.BASH:
        if "source" in place.functions:
            return (Unknown("BASH_SOURCE in a sourced file", is_many=True),)
        return (expander.machine.world.script,) * (len(place.functions) + 1)
    variable = expander.state.variables.get(name)
    if variable is None:
        return None
    if isinstance(variable.value, Unknown):
        return (Unknown(variable.value.because, is_many=True),)
    return variable.value if isinstance(variable.value, tuple) else (variable.value,)


# ------------------------------------------------------------------ expansions


def expand(expander: Expander, node: Node, *, in_quotes: bool) -> list[Piece]:
    """The pieces of `$NAME` or `${…}`."""
    text = text_of(node)
    if not text.startswith("${"):
        return named(expander, node, text[1:], in_quotes)
    if text == "${#}":
        return named(expander, node, "#", in_quotes)
    head = _HEAD.match(text)
    if head is None:
        return [_piece(Unknown("an expansion that is not read", is_many=True), in_quotes)]
    start = node.start_byte + len(text[: head.end()].encode("utf-8", "surrogateescape"))
    operator = _operator(text[head.end() : -1])
    parameter = _Parameter(
        node, head["name"], head["index"] or "", operator,
        (start + len(operator), node.end_byte - 1), in_quotes,
    )  # fmt: skip
    if head["index"]:
        expander.require(node, "an array", Shell.BASH)
    if head["mark"] == "#":
        return [_piece(_length(expander, parameter), in_quotes)]
    if head["mark"] == "!":
        return _indirect(expander, parameter)
    return _expanded(expander, parameter)


def named(expander: Expander, node: Node, name: str, in_quotes: bool) -> list[Piece]:
    """The pieces of `$NAME`."""
    return _expanded(expander, _Parameter(node, name, "", "", (0, 0), in_quotes))


def _operator(rest: str) -> str:
    for kind in (_DEFAULTS, _TRIMS, _REPLACES):
        match = kind.match(rest)
        if match:
            return match[0]
    return rest[:2] if rest[:2] in ("^^", ",,") else rest[:1]


def _expanded(expander: Expander, parameter: _Parameter) -> list[Piece]:
    if parameter.name in ("@", "*") or parameter.index in ("[@]", "[*]"):
        return _expanded_list(expander, parameter)
    value = _scalar(expander, parameter)
    if _DEFAULTS.fullmatch(parameter.operator):
        return _defaulted(expander, parameter, value)
    if value is None:
        _check_set(expander)
        value = ""
    return [_piece(_modified(expander, parameter, value), parameter.in_quotes)]


def _scalar(expander: Expander, parameter: _Parameter) -> Value | None:
    if not parameter.index:
        return lookup(expander, parameter.name)
    values = array(expander, parameter.name)
    index = parameter.index[1:-1]
    if not index.isdigit() or (values and any(_is_many(value) for value in values)):
        return Unknown("an element that is not known")
    return values[int(index)] if values and int(index) < len(values) else None


def _expanded_list(expander: Expander, parameter: _Parameter) -> list[Piece]:
    """`"$@"` and `"${NAME[@]}"` give a field for each element, `"$*"` one in all."""
    values = array(expander, parameter.name) or ()
    if _DEFAULTS.fullmatch(parameter.operator):
        if len(values) == 1 and _is_many(values[0]):
            return [_piece(values[0], parameter.in_quotes)]
        is_set = bool(values) and (not parameter.operator.startswith(":") or values != ("",))
        if is_set == (parameter.operator[-1] == "+"):
            return _operand(expander, parameter)
        return _pieces_of_list(expander, values, parameter) if is_set else []
    if parameter.operator == ":":
        expander.require(parameter.node, "a part of a list", Shell.BASH)
        values = _sliced(expander, parameter, values)
    elif parameter.operator:
        values = tuple(_modified(expander, parameter, value) for value in values)
    return _pieces_of_list(expander, values, parameter)


def _pieces_of_list(
    expander: Expander, values: Sequence[Value], parameter: _Parameter
) -> list[Piece]:
    is_joined = "*" in (parameter.name, parameter.index[1:-1]) and parameter.in_quotes
    if is_joined:
        known = all_known(tuple(values))
        text = Unknown("a list") if known is None or "IFS" in expander.state.variables else None
        return [_piece(" ".join(known or ()) if text is None else text, in_quotes=True)]
    pieces: list[Piece] = []
    for index, value in enumerate(values):
        pieces += ([words.BREAK] if index else []) + [_piece(value, parameter.in_quotes)]
    return pieces


def _sliced(
    expander: Expander, parameter: _Parameter, values: tuple[Value, ...]
) -> tuple[Value, ...]:
    """`${@:2}`, `${NAME[@]:1:2}`; the parameters are counted from 1, and 0 is the script."""
    offset, length = _offsets(expander, parameter)
    if offset is None or any(_is_many(value) for value in values) or offset < 0:
        return (Unknown("a part of a list", is_many=True),)
    if parameter.name in ("@", "*"):
        values = (expander.machine.world.script, *values)
    if length is not None and length < 0:
        return (Unknown("a part of a list", is_many=True),)
    return values[offset:] if length is None else values[offset : offset + length]


# ------------------------------------------------------------------ operators


def _defaulted(expander: Expander, parameter: _Parameter, value: Value | None) -> list[Piece]:
    """`${NAME:-word}`, `:=`, `:?`, `:+` and the same without the colon."""
    operator = parameter.operator
    if isinstance(value, Unknown):
        if operator[-1] == "=":
            expander.state = expander.state.assigning(parameter.name, value)
        told = Unknown(value.because, is_many=not parameter.in_quotes)
        return [_piece(told, parameter.in_quotes)]
    is_set = bool(value) if operator[0] == ":" else value is not None
    if operator[-1] == "+":
        return _operand(expander, parameter) if is_set else _nothing(parameter)
    if is_set:
        return [_piece(value or "", parameter.in_quotes)]
    if operator[-1] == "?":
        raise ExpansionFailure(f"{parameter.name} is not set")
    pieces = _operand(expander, parameter)
    if operator[-1] == "=":
        text = words.joined(pieces)
        expander.state = expander.state.assigning(parameter.name, text)
        return [_piece(text, parameter.in_quotes)]
    return pieces or _nothing(parameter)


def _nothing(parameter: _Parameter) -> list[Piece]:
    return [_piece("", parameter.in_quotes)]


def _operand(expander: Expander, parameter: _Parameter) -> list[Piece]:
    """The word after the operator. What stands in it without quotes is split like an expansion's
    result, and a single quote between double quotes is a character."""
    pieces = expander.between(parameter.node, parameter.operand, in_quotes=parameter.in_quotes)
    start, end = (at - parameter.node.start_byte for at in parameter.operand)
    if parameter.in_quotes and b"'" in (parameter.node.text or b"")[start:end]:
        return [_piece(Unknown("single quotes inside double quotes"), in_quotes=True)]
    return [
        words.Piece(piece.text, words.Origin.EXPANDED)
        if piece.origin is words.Origin.LITERAL
        else piece
        for piece in pieces
    ]


def _modified(expander: Expander, parameter: _Parameter, value: Value) -> Value:
    operator = parameter.operator
    if not operator:
        return value
    if isinstance(value, Unknown):
        return value
    if _TRIMS.fullmatch(operator):
        return _trimmed(expander, parameter, value)
    if not value.isascii():
        return Unknown("characters outside ASCII")
    if _REPLACES.fullmatch(operator):
        expander.require(parameter.node, "a replacement", Shell.BASH, Shell.ASH)
        return _replaced(expander, parameter, value)
    if operator == ":":
        expander.require(parameter.node, "a part of a text", Shell.BASH, Shell.ASH)
        offset, length = _offsets(expander, parameter)
        return Unknown("an offset") if offset is None else _part(value, offset, length)
    if operator in ("^^", ",,", "^", ",") and parameter.operand[0] == parameter.operand[1]:
        expander.require(parameter.node, "a change of case", Shell.BASH)
        count = len(value) if len(operator) == 2 else 1
        change = str.upper if operator[0] == "^" else str.lower
        return change(value[:count]) + value[count:]
    return Unknown("an expansion that is not read")


def _trimmed(expander: Expander, parameter: _Parameter, value: str) -> Value:
    """`${NAME#pattern}` and `%`: the shortest match is taken off, the longest by `##` and `%%`."""
    pieces = expander.between(parameter.node, parameter.operand, in_quotes=False)
    parts = words.as_pattern(pieces)
    if isinstance(parts, Unknown):
        return parts
    wanted = expression(parts)
    if wanted is None or not value.isascii() or not is_quick(f"{wanted}*", value):
        return Unknown("characters outside ASCII, or a long match")
    operator = parameter.operator
    lengths: Sequence[int] = range(len(value) + 1)
    if len(operator) == 2:
        lengths = lengths[::-1]
    compiled = re.compile(wanted, re.DOTALL)
    for length in lengths:
        cut = value[:length] if operator[0] == "#" else value[len(value) - length :]
        if compiled.fullmatch(cut):
            return value[length:] if operator[0] == "#" else value[: len(value) - length]
    return value


def _replaced(expander: Expander, parameter: _Parameter, value: str) -> Value:
    """`${NAME/pattern/text}`: the longest first match, every match by `//`."""
    pieces = expander.between(parameter.node, parameter.operand, in_quotes=False)
    slash = next(
        (at for at, piece in enumerate(pieces) if piece == words.Piece("/", words.Origin.LITERAL)),
        len(pieces),
    )
    parts = words.as_pattern(pieces[:slash])
    text = words.joined(pieces[slash + 1 :])
    if isinstance(parts, Unknown) or isinstance(text, Unknown) or "&" in text:
        return Unknown("a replacement that is not known")
    wanted = expression(parts)
    if wanted is None or not is_quick(f"{wanted}*", value):
        return Unknown("a replacement that is not known")
    if not parts:
        return value
    anchored = {"/#": rf"\A(?:{wanted})", "/%": rf"(?:{wanted})\Z"}.get(parameter.operator, wanted)
    count = 0 if parameter.operator == "//" else 1
    if re.match(anchored, "", re.DOTALL) and count == 0:
        return Unknown("a pattern that matches nothing")
    return re.sub(anchored, lambda _: text, value, count=count, flags=re.DOTALL)


def _offsets(expander: Expander, parameter: _Parameter) -> tuple[int | None, int | None]:
    pieces = expander.between(parameter.node, parameter.operand, in_quotes=True)
    text = words.joined(pieces)
    if isinstance(text, Unknown):
        return None, None
    offset, separator, length = text.partition(":")
    first = expander.calculated(offset, parameter.node)
    second = expander.calculated(length, parameter.node) if separator else "0"
    if isinstance(first, Unknown) or isinstance(second, Unknown):
        return None, None
    return int(first), int(second) if separator else None


def _part(value: str, offset: int, length: int | None) -> Value:
    """`${NAME:offset:length}`; both may count from the end (bash(1) § Parameter Expansion)."""
    start = offset if offset >= 0 else len(value) + offset
    if start < 0 or start > len(value):
        return ""
    end = len(value) if length is None else length + (start if length >= 0 else len(value))
    return value[start:end] if end >= start else Unknown("a length before the offset")


def _length(expander: Expander, parameter: _Parameter) -> Value:
    if parameter.operator:
        return Unknown("an expansion that is not read")
    if parameter.index in ("[@]", "[*]") or parameter.name in ("@", "*"):
        values = array(expander, parameter.name) or ()
        is_known = not any(_is_many(value) for value in values)
        return str(len(values)) if is_known else Unknown("the length of a list")
    value = _scalar(expander, parameter)
    if value is None:
        _check_set(expander)
        return "0"
    if isinstance(value, Unknown) or not value.isascii():
        return Unknown("the length of a text")
    return str(len(value))


def _indirect(expander: Expander, parameter: _Parameter) -> list[Piece]:
    """`${!NAME}` is the variable that NAME names; `${!PREFIX@}` the names that begin so."""
    expander.require(parameter.node, "an indirect expansion", Shell.BASH)
    if parameter.operator in ("@", "*") and parameter.operand[0] == parameter.operand[1]:
        names = sorted(n for n in expander.state.variables if n.startswith(parameter.name))
        listed = _Parameter(parameter.node, parameter.operator, "", "", (0, 0), parameter.in_quotes)
        return _pieces_of_list(expander, names, listed)
    target = lookup(expander, parameter.name)
    is_name = isinstance(target, str) and re.fullmatch(r"[A-Za-z_]\w*", target) is not None
    if parameter.index or not is_name:  # of a name that is not set it is an error
        raise expander.undecided(parameter.node, "an indirect expansion of what is not known")
    assert isinstance(target, str)
    found = _Parameter(
        parameter.node, target, "", parameter.operator, parameter.operand, parameter.in_quotes
    )
    return _expanded(expander, found)


def _check_set(expander: Expander) -> None:
    if "nounset" in expander.state.options:
        raise ExpansionFailure("a parameter is not set")


def _is_many(value: Value) -> bool:
    return isinstance(value, Unknown) and value.is_many


def _piece(value: Value, in_quotes: bool) -> Piece:
    return words.Piece(value, words.Origin.QUOTED if in_quotes else words.Origin.EXPANDED)
