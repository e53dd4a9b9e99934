"""Start-up scripts, read with a real grammar and evaluated with what the image makes known.

An abstract interpreter: every value is a string or *not known*. Where a condition is not known
both ways are taken and joined. Nothing is run. What cannot be told ends in UndecidedError, never
in a guess.
"""

from __future__ import annotations

from .script import Script, after_script, after_shell_form
from .state import Shell

__all__ = ["Script", "Shell", "after_script", "after_shell_form"]
