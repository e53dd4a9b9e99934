"""Ruby's gems: specifications/NAME-VERSION.gemspec, with the files in gems/NAME-VERSION beside it.

A gemspec is a Ruby program; those that `gem install` writes assign literals, which are read. The
default ones, that come with Ruby, have their files in Ruby's library: these are not known.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from ..model import Node, Package
from . import purl
from .image_files import ImageFiles
from .values import Unread

_ECOSYSTEM = "gem"
_PLACE = re.compile(r"/specifications/(default/)?[^/]+\.gemspec$")
_ASSIGNED = re.compile(
    r"^\s*\w+\.(name|version|platform)\s*=\s*(?:Gem::Version\.new\(?\s*)?[\"']([^\"'\n]+)[\"']",
    re.MULTILINE,
)


def is_record(node: Node) -> bool:
    return node.path.endswith(".gemspec") and _PLACE.search(node.path) is not None


def read(files: ImageFiles, node: Node) -> Iterator[Package | Unread]:
    """The gem that a specification is of."""
    assigned = dict(reversed(_ASSIGNED.findall(files.text_of(node) or "")))  # the first counts
    name, version = assigned.get("name", ""), assigned.get("version", "")
    if not name or not version:
        yield Unread(node.path, "it assigns no name or no version")
        return
    directory, file = posixpath.split(node.path)
    is_default = directory.endswith("/default")
    home = posixpath.join(posixpath.dirname(directory), "gems", file.removesuffix(".gemspec"))
    below = () if is_default else files.files_below(home)
    yield Package(
        name=name,
        version=version,
        source=name,
        source_version=version,
        files=tuple(sorted((node.path, *below))),
        ecosystem=_ECOSYSTEM,
        purl=purl.make(_ECOSYSTEM, name, version, platform=assigned.get("platform", "")),
        recorded_in=node.path,
        is_file_list_known=bool(below),
    )
