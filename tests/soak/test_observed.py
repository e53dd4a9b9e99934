"""What a traced run of each sample image opens and calls is in its closure and can be reached.

The run is of the whole image, under a page of each port: it shows what the analysis missed. What it
named and need not be there is listed here with the reason.
"""

from __future__ import annotations

import re

import pytest

from dock2uk.model import Image, Keep, NodeType, StripMode
from dock2uk.observed_run import observe
from dock2uk.probes import covering
from tests.strip.test_fixture_roots import NAMES, analysed

# The first two are told what to run at boot; the others do not answer without the secret that their
# start-up makes.
WITHOUT_A_RUN = ("cpython-tests", "stress-ng", "start-postgres", "start-wordpress")
NEED_NOT_BE_THERE = re.compile(
    "|".join(
        (
            r"/etc/localtime|/usr/share/zoneinfo/Etc/UTC",  # libc takes universal time without it
            r"/etc/gai\.conf",  # comments only
            r"/etc/(?:resolv\.conf|hosts|hostname)",  # the runtime's
            r".*/gconv-modules\.cache",  # libc knows ASCII and UTF-8 itself
            r"(?:/etc|/usr/share/locale)/locale\.alias",  # other names of locales, for translations
            # A relative name may start anywhere: these are a language's modules by their names.
            r"/usr/bin/(?:base64|locale|tempfile|setarch|x86_64)",
        )
    )
)

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"  # Go's programs read each of its certificates again


@pytest.mark.soak
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", sorted(set(NAMES).difference(WITHOUT_A_RUN)))
def test_a_run_stays_within_what_was_found(name: str) -> None:
    found = analysed(name)
    questions = covering((), found.entrypoint.asked_ports)
    observed = observe(found.image, found.entrypoint, questions)
    root = found.stripped(StripMode.CLOSURE)
    kept = {one.path for one in root.decisions if isinstance(one, Keep)}
    nodes = (found.image.tree.get(path) for path in observed.paths - kept)
    lost = [node for node in nodes if node and node.type is not NodeType.DIRECTORY]
    certificates = content(found.image, BUNDLE) if BUNDLE in kept else b""
    assert not [
        node.path
        for node in lost
        if not NEED_NOT_BE_THERE.fullmatch(node.path)
        and content(found.image, node.path) not in certificates
    ]
    calls = found.analysis.calls
    assert calls is not None
    assert calls.unbounded or observed.calls <= calls.sites.keys()
    assert len(observed.calls) >= 5  # a name server that waits for its first datagram


def content(image: Image, path: str) -> bytes:
    node = image.tree.resolve(path)
    return node.content.read() if node and node.content else f"no content: {path}".encode()
