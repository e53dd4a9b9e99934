"""Shortens the demangled name of a Rust function to what a backtrace needs.

Names weigh: in full they would be a sixth of the kernel. A method is shown by its type, not by the
trait that has it; husk's own paths lose the crate, others' all between the crate and the type.
Which instance of a generic function it is can be told from its caller and its address.
"""

from __future__ import annotations

import re

# What rustc appends: ::h and 16 hexadecimal digits.
_HASH = re.compile(r"::h[0-9a-f]{16}$")
# Arguments follow a name; `<Type as Trait>` and `<impl Type>` begin a path and stay.
_GENERIC_ARGUMENTS = re.compile(r"(?<=[\w}])<[^<>]*>")
_ARROW, _STAND_IN = "->", "\N{RIGHTWARDS ARROW}"  # the > of a function type closes nothing
# `<Type as Trait>::method` and `module::<impl Trait for Type>::method`.
_QUALIFIED = re.compile(r"<(?:impl )?(?:[^<>]* for )?([^<>]*?)(?: as [^<>]*)?>")
_OWN_CRATE = "husk::"
# Path components of other crates' names that are kept at the end: type and function.
_KEPT_OF_OTHERS = 2


def readable(name: str) -> str:
    """`name` without its hash, generic arguments and traits, its path as short as is clear."""
    shortened = _HASH.sub("", name).replace(_ARROW, _STAND_IN)
    shortened = _replace_all(_GENERIC_ARGUMENTS, "", shortened)
    shortened = _last_type(_replace_all(_QUALIFIED, r"\1", shortened))
    return _short_path(shortened).replace(_STAND_IN, _ARROW)


def _replace_all(pattern: re.Pattern[str], by: str, text: str) -> str:
    """Innermost first, until there is none left."""
    replaced = 1
    while replaced:
        text, replaced = pattern.subn(by, text)
    return text


def _last_type(path: str) -> str:
    """`module::husk::Type::method`, which an impl in another module gives, from the type on."""
    _, found, rest = path.rpartition(f"::{_OWN_CRATE}")
    return f"{_OWN_CRATE}{rest}" if found else path


def _short_path(path: str) -> str:
    if path.startswith(_OWN_CRATE):
        return path.removeprefix(_OWN_CRATE)
    crate, *components = path.split("::")
    closures = [part for part in components if part.startswith("{{")]
    names = [part for part in components if not part.startswith("{{")]
    return "::".join([crate, *names[-_KEPT_OF_OTHERS:], *closures])
