"""Start-ups that are read and not run: the answer is right, or it is that reading is not enough."""

from __future__ import annotations

import pytest

from dock2uk.entrypoint import Options, Resolve, resolve
from dock2uk.errors import UnsupportedError
from tests.entrypoint.claims import wrong_environment, wrong_program
from tests.entrypoint.expectation import NAMES, Expectation
from tests.entrypoint.images import image_of

EXPECTED = [Expectation.of(name) for name in NAMES]
READ = Options(resolve=Resolve.STATIC)


@pytest.mark.parametrize(
    "expected", [one for one in EXPECTED if one.static == "right"], ids=lambda one: one.name
)
def test_what_is_read_is_right(expected: Expectation) -> None:
    image = image_of(expected.name)
    claimed = resolve(image, recipes=(), options=READ)
    read = {entry.partition("=")[0] for entry in claimed.env}
    may_be_missing = set(expected.one_program.by_shell) - read
    wanted = {k: v for k, v in expected.environment.items() if k not in may_be_missing}
    assert wrong_program(image, expected, claimed) == []
    assert wrong_environment(claimed.env, wanted) == []


@pytest.mark.parametrize(
    "expected", [one for one in EXPECTED if one.static != "right"], ids=lambda one: one.name
)
def test_what_cannot_be_read_is_not_guessed(expected: Expectation) -> None:
    with pytest.raises(UnsupportedError) as caught:
        resolve(image_of(expected.name), recipes=(), options=READ)
    assert caught.value.exit_status == 3
    assert caught.value.reasons
