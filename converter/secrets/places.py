"""Which files are looked through for secrets that a name tells of, and as what.

Some files are there to hold them; in others that no package brought, whoever made the image may
have left one. What is there to be copied (`.env.example`) or translated has none.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ..model import Node
from . import general_settings
from .forms import Match
from .names import is_told
from .texts import Found, in_commands, in_settings, placed

Reader = Callable[[str], Iterable[Found]]

_LARGEST_BYTES = 1 << 20
# Files of which a name is told with a value that is a secret (the programs' manuals); the deepest
# components of their paths.
_SETTINGS = re.compile(
    r"/(?:\.aws/(?:credentials|config)|\.npmrc|\.yarnrc(?:\.yml)?|\.pypirc|\.netrc|\.my\.cnf"
    r"|\.pgpass|\.s3cfg|\.boto|\.env(?:\.[\w-]+)?|\.kube/config|kubeconfig"
    r"|etc/kubernetes/[\w-]+\.conf|etc/rancher/\w+/[\w-]+\.yaml|\.docker/config\.json|\.dockercfg"
    r"|\.config/gh/hosts\.yml|\.config/rclone/rclone\.conf|\.rclone\.conf|\.gem/credentials"
    r"|\.cargo/credentials(?:\.toml)?|\.m2/settings\.xml|wp-config\.php)$"
)
# What was typed into a shell (bash(1) HISTFILE, and others' like it).
_TYPED = re.compile(r"/\.(?:(?:ba|a|z|k)?sh|python|mysql|psql)_history$")
# Hashes of passwords (htpasswd(1)); those of the machine's accounts are counted with these.
_HASHED = re.compile(r"/\.?htpasswd$")
_HASH = re.compile(  # crypt(5), and htpasswd's own
    r"^[^:\n]+:(?P<hash>\$(?:[1567y]|2[abxy]?|gy|apr1|sha1|argon2\w*)\$[^:\s]+|\{S?SHA\}[^:\s]+)",
    re.MULTILINE,
)
# Passwords that these files have without a name of their own: netrc(5), pgpass of PostgreSQL,
# docker's `auth`, which is a name and password in base64, as is npm's.
_UNNAMED = re.compile(
    r"""\bpassword[ \t]+(?P<netrc>\S+)|^[^:#\n]+:[^:\n]*:[^:\n]*:[^:\n]*:(?P<pgpass>\S+)$"""
    r"""|"auth"[ \t]*:[ \t]*"(?P<docker>[^"]+)"|<password>(?P<maven>[^<{$]+)</password>"""
    r"""|(?:^|:)_auth[ \t]*=[ \t]*["']?(?P<npm>[^\s"']+)"""
    r"""|define\([ \t]*['"](?:DB_PASSWORD|\w+_(?:KEY|SALT))['"],[ \t]*['"](?P<php>[^'"]+)['"]""",
    re.MULTILINE,
)
_GENERAL = re.compile(
    r"\.(?:conf|cfg|ini|properties|ya?ml|toml|json|env|envrc)$"
    r"|/etc/(?:environment|default/[\w.-]+)$"
)
_CODE = re.compile(r"\.(?:py|rb|php|pl|js|mjs|cjs|ts)$")
# Passwords of tests are for what the tests make.
_TEST = re.compile(
    r"/(?:tests?|__tests__|testing|spec|testdata)/|/(?:test_|conftest)[^/]*$|[._](?:test|spec)\.\w+$"
)
_SCRIPT = re.compile(r"\.(?:sh|bash|ash|zsh)$|/\.(?:bashrc|profile|bash_profile|zshrc|envrc)$")
_SHELL = re.compile(rb"#![ \t]*/(?:usr/)?bin/(?:env[ \t]+)?(?:ba|da|a|z|k)?sh\b")
_FIRST_BYTES = 64  # where a program's first line says what it is
# Copied and filled in by somebody, or what a program says in the languages of its users.
_TO_COPY = re.compile(
    r"[./_-](?:examples?(?:-[0-9]+)?|samples?|template|tmpl|tpl|dist|in|j2)(?:\.[\w-]+)?$",
    re.IGNORECASE,
)
_TRANSLATED = re.compile(
    r"/(?:i18n|l10n|locales?|lang|languages?|translations?)/|/(?:i18n|messages)[._-][^/]*$"
    r"|/[a-z]{2}(?:[-_][A-Z]{2})?\.json$"
)


def named_in(node: Node, is_owned: bool) -> Iterator[Found]:
    """The secrets in a regular file that their names tell of. Of one that a package brought it is
    not known whether it was changed."""
    if node.content is None or node.size > _LARGEST_BYTES:
        return
    reader = _of_place(node.path) or (None if is_owned else _of_any(node))
    if reader is not None:
        yield from reader(node.content.read().decode("utf-8", "surrogateescape"))


def _of_place(path: str) -> Reader | None:
    """What is there to have them."""
    if _TO_COPY.search(path):
        return None
    if _SETTINGS.search(path):
        return partial(_in_known, posixpath.basename(path))
    if _TYPED.search(path):
        return in_commands
    return _hashes if _HASHED.search(path) else None


def _of_any(node: Node) -> Reader | None:
    path = node.path
    if _TO_COPY.search(path):
        return None
    if _GENERAL.search(path):
        return None if _TRANSLATED.search(path) else general_settings.in_settings
    if _CODE.search(path):
        return None if _TEST.search(path) else general_settings.in_code
    is_script = _SCRIPT.search(path) or _is_shell_s(node)
    return general_settings.in_script if is_script else None


def _is_shell_s(node: Node) -> bool:
    """An executable without an ending, by its first line."""
    if node.content is None or not node.mode & 0o111 or "." in posixpath.basename(node.path):
        return False
    with node.content.open() as file:
        return _SHELL.match(file.read(_FIRST_BYTES)) is not None


def _in_known(name: str, text: str) -> Iterator[Found]:
    yield from in_settings(text)
    matches = (
        Match(f"a password of {name}", *match.span(match.lastgroup or 0))
        for match in _UNNAMED.finditer(text)
    )
    yield from placed(text, (one for one in matches if is_told("password", _value(text, one))))


def _value(text: str, match: Match) -> str:
    return text[match.start : match.end]


def _hashes(text: str) -> Iterator[Found]:
    found = (match.span("hash") for match in _HASH.finditer(text))
    return placed(text, (Match("a password hash", *span) for span in found))
