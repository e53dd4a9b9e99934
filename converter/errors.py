"""Every error a stage can raise, each with the exit status that `cli` gives it.

A message says what failed, on which thing, with which values; `hint` says what to try next.
Nothing here prints or exits: that is `cli`'s alone.
"""

from __future__ import annotations


class Dock2ukError(Exception):
    """Something failed: exit status 1."""

    exit_status = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SourceError(Dock2ukError):
    """The image cannot be found, reached or believed."""


class ImageNotFoundError(SourceError):
    """No such image there, or nobody there to ask: another source may have it."""


class OtherPlatformError(SourceError):
    """The image is there, and made for another operating system or processor."""


class LayerError(SourceError):
    """A layer holds something no honest image does; names the layer and the entry."""

    def __init__(self, layer: str, entry: str, problem: str, *, hint: str | None = None) -> None:
        super().__init__(f"layer {layer}: entry {entry!r}: {problem}", hint=hint)
        self.layer = layer
        self.entry = entry
        self.problem = problem


class ToolError(Dock2ukError):
    """An external command is missing or failed; the message shows it ready to paste."""


class SandboxUnavailableError(Dock2ukError):
    """This machine does not let us make a sandbox; says what it lacks."""


class StartupError(Dock2ukError):
    """An image's own start-up failed, or used more than it may, when it was run in a sandbox."""


class InterruptedAuditError(Dock2ukError):
    """Ctrl-C ended an audit; what it has found is kept. Exit status 128 + SIGINT, as in a shell."""

    exit_status = 130


class PolicyError(Dock2ukError):
    """A policy said no: exit status 2."""

    exit_status = 2


class UnsupportedError(Dock2ukError):
    """No runtime can carry this workload: exit status 3, with every reason."""

    exit_status = 3

    def __init__(self, reasons: tuple[str, ...], *, hint: str | None = None) -> None:
        super().__init__("this workload is not supported: " + "; ".join(reasons), hint=hint)
        self.reasons = reasons


class UndecidedError(UnsupportedError):
    """Reading alone does not say which program an image runs; what stands in the way."""


class VerificationError(Dock2ukError):
    """The image was made but did not pass verification: exit status 4."""

    exit_status = 4
