"""Images that wait for somebody to type: refused with that reason, read or run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dock2uk.entrypoint import Options, Resolve, resolve
from dock2uk.errors import UnsupportedError
from tests.entrypoint.images import image_of

PREFIX = "docker-entrypoint.sh"


@pytest.mark.parametrize("how", [Resolve.STATIC, Resolve.RECORD])
@pytest.mark.parametrize(("name", "argv"), [
    ("start-python", ("sh",)),
    ("start-python", ("bash",)),
    ("start-python", ("/bin/bash", "-i")),
    ("start-python", ("python3",)),
    ("start-python", (PREFIX, "python3")),
    ("start-node", (PREFIX, "node")),
    ("start-node", (PREFIX, "bash")),
])  # fmt: skip
def test_is_refused(name: str, argv: tuple[str, ...], how: Resolve) -> None:
    image = image_of(name)
    asked = replace(image, config=replace(image.config, entrypoint=(), cmd=argv))
    with pytest.raises(UnsupportedError) as caught:
        resolve(asked, recipes=(), options=Options(resolve=how))
    assert caught.value.exit_status == 3
    assert "interactive" in caught.value.message
