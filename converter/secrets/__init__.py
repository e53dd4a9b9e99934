"""Secrets: what looks like one, and where an image has them.

By value wherever a value can tell (`forms`), by name where only a name can (`names`). Values are
digested where they are found: nothing here keeps or shows one.
"""

from __future__ import annotations

from .command_line import masked_words
from .command_line import values as command_line_values
from .forms import form_of
from .image import Secret, find, in_nodes, of_command_line, of_variable
from .masking import MASK, is_told_by, masked, masked_text
from .values import is_doubtful, named, reason, unsaid

__all__ = [
    "MASK",
    "Secret",
    "command_line_values",
    "find",
    "form_of",
    "in_nodes",
    "is_doubtful",
    "is_told_by",
    "masked",
    "masked_text",
    "masked_words",
    "named",
    "of_command_line",
    "of_variable",
    "reason",
    "unsaid",
]
