"""A command line that is not understood, as an error like all others: JSON with --json."""

from __future__ import annotations

from typer.exceptions import TyperException

from .errors import Dock2ukError


def as_error(misuse: TyperException) -> Dock2ukError:
    """Without a message its help was shown: no command was given."""
    context = getattr(misuse, "ctx", None)
    hint = None if context is None else f"{context.command_path} --help"
    return Dock2ukError(misuse.format_message() or "no command is given", hint=hint)
