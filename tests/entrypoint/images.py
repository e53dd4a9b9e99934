"""The sample images of this folder's tests, read once from what their builders wrote."""

from __future__ import annotations

from functools import cache

from dock2uk.ingest import read_image
from dock2uk.model import Image
from dock2uk.progress import Silent
from tests.entrypoint.expectation import FIXTURES


@cache
def image_of(name: str) -> Image:
    return read_image(f"oci:{FIXTURES.parent / 'build' / 'fixtures' / name}", Silent())
