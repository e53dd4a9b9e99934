"""Where an image has secrets: files that are there, files that a later layer deleted or replaced
but that its layers still hold, environment, labels, and what the history tells of the build.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from ..layer_answers import Answers, Question
from ..model import Content, Hidden, Image, Node, Package, Tree
from . import command_line, key_files, places
from .texts import Found, digest, in_commands, in_file, in_settings, in_value

_HOST_KEY = re.compile(r"/etc/ssh/ssh_host_\w+_key$")


def _by_form(content: Content) -> tuple[Found, ...]:
    if content.size > key_files.LARGEST_BYTES:
        with content.open() as file:
            return tuple(in_file(file))
    data = content.read()
    kind = key_files.kind_of(data)
    whole = (Found(kind, "", digest(data)),) if kind is not None else ()
    return (*whole, *in_file(io.BytesIO(data)))


_SOURCES = (
    "texts.py", "forms.py", "key_files.py", "java_stores.py", "openpgp.py", "byte_reader.py",
    "der.py", "shown.py",
)  # fmt: skip
_ANSWERS = Answers(
    Question(
        "secrets", _by_form,
        encode=lambda found: [astuple(one) for one in found],
        decode=lambda value: tuple(Found(*one) for one in value),
        sources=tuple(map(Path(__file__).with_name, _SOURCES)),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret at one place. `layer` is an index; a file has a path, a variable a name."""

    kind: str
    place: str
    digest: str
    layer: int | None = None
    path: str | None = None
    variable: str | None = None
    is_argument: bool = False  # on the command line
    is_hidden: bool = False  # the merged tree does not have it, a layer does


def find(image: Image, packages: Iterable[Package] = ()) -> tuple[Secret, ...]:
    """Every one, those that a running container has first. Of settings that a package brought it
    is not known whether they were changed: what has a form is found in them, a name tells nothing.
    """
    owned = frozenset(path for package in packages for path in package.files)
    found = [
        *_in_tree(image.tree, owned),
        *_repositories(image.tree),
        *_in_config(image),
        *_in_history(image),
        *_in_hidden(image, owned),
    ]
    _ANSWERS.keep()
    return tuple(dict.fromkeys(found))


def in_nodes(nodes: Iterable[Node]) -> tuple[Secret, ...]:
    """Those in files that no image and no package has like this."""
    return tuple(dict.fromkeys(_in_tree(nodes, frozenset())))


def _repositories(tree: Tree) -> Iterator[Secret]:
    """git(1)'s directory: every version of everything, what was taken out again among it."""
    for node in tree:
        if node.path.endswith("/.git/HEAD") and node.content is not None:
            place = posixpath.dirname(node.path)
            head = digest(node.content.read())
            yield Secret(
                "a git repository, its history with it", place, head, node.layer, node.path
            )


def _in_tree(nodes: Iterable[Node], owned: Container[str]) -> Iterator[Secret]:
    seen: set[int] = set()  # hard links are one file
    for node in nodes:
        if node.content is None or node.inode in seen:
            continue
        seen.add(node.inode)
        for one in _in_node(node, owned):
            place = f"{node.path}, {one.place}" if one.place else node.path
            yield Secret(one.kind, place, one.digest, node.layer, node.path)


def _in_hidden(image: Image, owned: Container[str]) -> Iterator[Secret]:
    for hidden in image.hidden:
        node = hidden.node
        for one in _in_node(node, owned):
            place = f"{node.path} of layer {node.layer}, {one.place}, {_gone(hidden)}"
            yield Secret(one.kind, place, one.digest, node.layer, node.path, is_hidden=True)


def _gone(hidden: Hidden) -> str:
    return f"deleted or replaced in layer {hidden.layer}"


def _in_node(node: Node, owned: Container[str]) -> Iterator[Found]:
    assert node.content is not None
    for one in _ANSWERS.of(node.content):
        is_host_key = _HOST_KEY.search(node.path) is not None
        yield Found("an SSH host key", one.place, one.digest) if is_host_key else one
    yield from places.named_in(node, is_owned=node.path in owned)


def of_variable(entry: str) -> Secret | None:
    """Of "NAME=value", where it is one."""
    name, _, value = entry.partition("=")
    one = in_value(name, value)
    return Secret(one.kind, f"ENV {name}", one.digest, variable=name) if one else None


def of_command_line(argv: Sequence[str]) -> Iterator[Secret]:
    """Of the words that a program begins with."""
    for kind, value in command_line.values(argv):
        held = digest(value.encode(errors="surrogateescape"))
        yield Secret(kind, command_line.PLACE, held, is_argument=True)


def _in_config(image: Image) -> Iterator[Secret]:
    yield from filter(None, map(of_variable, image.config.env))
    yield from of_command_line((*image.config.entrypoint, *image.config.cmd))
    for name, value in image.config.labels.items():
        if one := in_value(name, value):
            yield Secret(one.kind, f"LABEL {name}", one.digest)


def _in_history(image: Image) -> Iterator[Secret]:
    """Instructions stay in the configuration whatever later ones say: ARG, and ENV set anew."""
    for index, text in enumerate(image.config.history):
        yield from _in_instruction(f"history entry {index + 1}", text, is_hidden=True)
    for index, text in enumerate(image.config.on_build):
        yield from _in_instruction(f"ONBUILD {index + 1}", text, is_hidden=True)
    yield from _in_instruction("HEALTHCHECK", " ".join(image.config.health_check), is_hidden=False)


def _in_instruction(place: str, text: str, *, is_hidden: bool) -> Iterator[Secret]:
    data = io.BytesIO(text.encode(errors="surrogateescape"))
    found = {one.digest: one for one in (*in_settings(text), *in_commands(text), *in_file(data))}
    for one in found.values():
        yield Secret(one.kind, place, one.digest, is_hidden=is_hidden)
