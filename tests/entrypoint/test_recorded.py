"""Start-ups that are run in the sandbox: all of what they come to is right, on every image."""

from __future__ import annotations

import pytest

from dock2uk.entrypoint import Options, Resolve, resolve
from dock2uk.errors import UnsupportedError
from dock2uk.model import Confidence
from tests.entrypoint.claims import baked, wrong_environment, wrong_program, wrong_surroundings
from tests.entrypoint.expectation import NAMES, Expectation
from tests.entrypoint.images import image_of
from tests.entrypoint.observed import complaints, found

EXPECTED = [Expectation.of(name) for name in NAMES]
RUN = Options(resolve=Resolve.RECORD)


@pytest.mark.parametrize(
    "expected", [one for one in EXPECTED if one.program is not None], ids=lambda one: one.name
)
def test_what_is_recorded_is_right(expected: Expectation) -> None:
    image = image_of(expected.name)
    claimed = resolve(image, recipes=(), options=RUN)
    secret = expected.one_program.secret
    wanted = {k: v for k, v in expected.environment.items() if k not in secret}
    changes = found(image.tree, claimed.changes)
    named = {(one.subject, one.kind.value) for one in claimed.differences}
    assert wrong_program(image, expected, claimed) == []
    assert wrong_environment(claimed.env, wanted) == []
    assert wrong_surroundings(expected, claimed) == []
    assert complaints(image.tree, baked(expected), changes) == []
    assert named == {(one.subject, one.kind) for one in expected.differences}
    assert not any(one.is_baked for one in claimed.differences)
    assert claimed.confidence is Confidence.RECORDED


@pytest.mark.parametrize(
    "expected", [one for one in EXPECTED if one.refused is not None], ids=lambda one: one.name
)
def test_more_than_one_program_is_refused_with_the_tree(expected: Expectation) -> None:
    assert expected.refused is not None
    with pytest.raises(UnsupportedError) as caught:
        resolve(image_of(expected.name), recipes=(), options=RUN)
    assert caught.value.exit_status == 3
    for named in (*expected.refused.commands, *expected.refused.listening):
        assert named in caught.value.message
