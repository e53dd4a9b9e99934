"""A run of the whole image in the runtime itself, to see what it opens and calls under the
questions.

It is the same kernel and the same start as the bundle's, with nothing stripped and every call
linked; so what the run could not do there is not missing here for want of a file. Nothing is
concluded from what the run did not do: only `--strip traced` and `--prune traced` do so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import bundle, verify
from .analyse import analyse
from .errors import VerificationError
from .link import link
from .match import load_runtimes, match
from .model import Entrypoint, Image, Observed, PruneMode, Question, StripMode, Stripping
from .strace import Observer
from .strip import strip

_WHOLE = Stripping(StripMode.NONE, prune=PruneMode.NONE)


def observe(image: Image, entrypoint: Entrypoint, questions: Sequence[Question]) -> Observed:
    """What was opened and called; VerificationError when a question was not answered, for then the
    run shows too little."""
    analysis = analyse(image, entrypoint, _WHOLE)
    rootfs = strip(image, entrypoint, analysis, _WHOLE)
    with tempfile.TemporaryDirectory(prefix="dock2uk-") as directory:
        artifact = link(rootfs, entrypoint, match(analysis, load_runtimes()), Path(directory))
        observer = Observer(artifact.match.runtime)
        options = verify.Options(
            memory_mb=bundle.default_memory_mb(artifact, entrypoint),
            kernel_words=observer.kernel_words,
            watch=observer.take,
        )
        boot = verify.boot_and_probe(artifact, questions, options)
    failed = [one for one in boot.probes if not one.answer.is_passed]
    if failed:
        said = f"{failed[0].question.text}: {failed[0].answer.said}"
        raise VerificationError(
            f"the traced run of the whole image: {said}",
            hint="without --strip traced and --prune traced nothing depends on a run",
        )
    forks, execs = observer.after_ready
    asked = ", ".join(one.question.text for one in boot.probes)
    return Observed(
        because=f"named by a traced run ({asked})",
        paths=observer.paths(image.tree, entrypoint.cwd),
        calls=frozenset(observer.calls),
        forks=forks,
        execs=execs,
    )
