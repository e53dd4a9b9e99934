"""What of an image's packages the unikernel has, said alike in every form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def unread(document: Mapping[str, Any]) -> list[str]:
    """Where packages may be that are not listed: a bill is not the whole image's."""
    return [f"{one['path']}: {one['because']}" for one in document["packages_unread"]]


def may_be_there(package: Mapping[str, Any]) -> bool:
    """Whether the unikernel has files of it; or nobody knows which files are its own, so that
    nobody can say that it is gone."""
    return bool(package["state"] != "removed")


def files_kept(package: Mapping[str, Any]) -> str:
    if package["state"] == "unknown":
        return "its files are not known"
    return f"{package['files_kept']} of {package['files']} files"
