"""What a shell variable or word can be here: a string, a list of them, or not known and why."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that depends on something only a run could show."""

    because: str = field(default="", compare=False)
    is_many: bool = False  # it may be any number of words, none included
    environment: str | None = None  # what the environment holds all the same


Value = str | Unknown


@dataclass(frozen=True, slots=True)
class Variable:
    """A shell variable that is set, or may be."""

    value: Value | tuple[Value, ...]  # a tuple: an indexed array
    is_exported: bool | None = False  # None: not known

    @property
    def scalar(self) -> Value | None:
        """What `$NAME` gives: of an array, the first element."""
        if isinstance(self.value, tuple):
            return self.value[0] if self.value else None
        return self.value


UNSET = Variable(())  # a name with attributes and no value


def all_known(values: tuple[Value, ...] | list[Value]) -> tuple[str, ...] | None:
    """The values when every one is known."""
    known = tuple(value for value in values if isinstance(value, str))
    return known if len(known) == len(values) else None


def first_unknown(values: tuple[Value, ...] | list[Value]) -> Unknown | None:
    return next((value for value in values if isinstance(value, Unknown)), None)
