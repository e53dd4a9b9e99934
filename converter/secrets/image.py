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
from . import command_line, general_settings, key_files
from .texts import Found, Lines, digest, in_file, in_settings, in_value

# Files of which a name is told with a value that is a secret (the programs' manuals); the deepest
# components of their paths.
_SETTINGS = re.compile(
    r"/(?:\.aws/(?:credentials|config)|\.npmrc|\.yarnrc(?:\.yml)?|\.pypirc|\.netrc|\.my\.cnf"
    r"|\.pgpass|\.s3cfg|\.boto|\.env(?:\.[\w-]+)?|\.kube/config|kubeconfig|etc/kubernetes/[\w-]+\.conf|\.docker/config\.json|\.dockercfg"
    r"|\.config/gh/hosts\.yml|\.gem/credentials|\.cargo/credentials(?:\.toml)?"
    r"|\.m2/settings\.xml|wp-config\.php)$"
)
_LARGEST_SETTINGS_BYTES = 1 << 20
# Passwords that these files have without a name of their own: netrc(5), pgpass of PostgreSQL, and
# docker's `auth`, a name and password in base64.
_UNNAMED = re.compile(
    r"""\bpassword[ \t]+(?P<netrc>\S+)|^[^:#\n]+:[^:\n]*:[^:\n]*:[^:\n]*:(?P<pgpass>\S+)$"""
    r"""|"auth"[ \t]*:[ \t]*"(?P<docker>[^"]+)"|<password>(?P<maven>[^<{$]+)</password>"""
    r"""|define\([ \t]*['"](?:DB_PASSWORD|\w+_(?:KEY|SALT))['"],[ \t]*['"](?P<php>[^'"]+)['"]""",
    re.MULTILINE,
)
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
    "der.py",
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
    if node.content.size > _LARGEST_SETTINGS_BYTES:
        return
    if _SETTINGS.search(node.path):
        yield from _in_settings(posixpath.basename(node.path), _text(node.content))
    elif general_settings.is_place(node.path) and node.path not in owned:
        yield from general_settings.find(_text(node.content))


def _text(content: Content) -> str:
    return content.read().decode("utf-8", "surrogateescape")


def _in_settings(name: str, text: str) -> Iterator[Found]:
    yield from in_settings(text)
    lines = Lines(text)
    for match in _UNNAMED.finditer(text):
        value = match[match.lastgroup or 0]
        one = in_value("password", value)
        if one is not None:
            line = lines.of(match.start())
            yield Found(f"a password of {name}", f"line {line}", one.digest)


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
        for one in in_settings(text):
            yield Secret(one.kind, f"history entry {index + 1}", one.digest, is_hidden=True)
        for one in in_file(io.BytesIO(text.encode(errors="surrogateescape"))):
            yield Secret(one.kind, f"history entry {index + 1}", one.digest, is_hidden=True)
