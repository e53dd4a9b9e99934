"""The forms that only secrets take, as their issuers document them.

A form is looked for by a byte that is rare in what an image holds (`ghp_` by its `_`): one pass
over all of an image finds the places where a form may be, and the form itself is matched there
alone. What is there for show (`AKIA…EXAMPLE`, `https://user:password@host`) is no secret, and a key
must decode; a value that is only to be handled with care need not (`form_of`).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from .shown import FEWEST_DIFFERENT, is_for_show, is_stand_in

# What a form may have before and behind the byte that it is found by.
BEFORE_BYTES, BEHIND_BYTES = 4 << 10, 32 << 10
_TAIL_BYTES = 20  # of a token, where its prefix is not counted


@dataclass(frozen=True, slots=True)
class _Form:
    kind: str
    pivot: bytes  # the rare byte with what stands beside it, as a pattern
    start: bytes  # what the form begins with, not behind the rare byte
    pattern: re.Pattern[bytes]  # the group `value` is the secret
    check: Callable[[bytes], str | None]  # its kind; None: it is no secret
    heading: re.Pattern[bytes] | None = None  # what looks like one already
    distance: int = 0  # from the start's end to the rare byte, at least
    is_of_texts: bool = False  # programs have what it is found by too often


@dataclass(frozen=True, slots=True)
class Match:
    """A secret in a text, by its place there."""

    kind: str
    start: int
    end: int


def _is_varied(value: bytes, kind: str) -> str | None:
    is_shown = b"EXAMPLE" in value.upper() or len(set(value[-_TAIL_BYTES:])) < FEWEST_DIFFERENT
    return None if is_shown else kind


def _token(kind: str, start: bytes, pivot: bytes, pattern: bytes) -> _Form:
    # Tokens stand alone: within a longer word, as base64 has them, they are accidents.
    whole = rb"(?<![0-9A-Za-z_+/-])(?P<value>" + pattern + rb")(?![0-9A-Za-z_+/-])"
    return _Form(kind, pivot, start, re.compile(whole), lambda value: _is_varied(value, kind))


def _coded(start: bytes, pivot: bytes, begins: bytes, before: bytes) -> _Form:
    """A classic token of GitHub in base64, as Kubernetes' secrets have it; `before` are what its
    first group of characters begins with, as far as the token decides them."""
    pattern = re.compile(rb"(?P<value>" + begins + rb"[0-9A-Za-z+/]{44,400}={0,2})")

    def kind(value: bytes) -> str | None:
        whole = before + value
        text = base64.b64decode(whole[: len(whole) & ~3])
        token = _CODED_TOKEN.search(text)
        return _is_varied(token[0], "a GitHub token") if token is not None else None

    return _Form("a GitHub token", pivot, start, pattern, kind, is_of_texts=True)


_CODED_TOKEN = re.compile(rb"gh[pousr]_[0-9A-Za-z]{36}")


# What formats and templates put a password for.
_PUT_IN = re.compile(r"[$<{%\[(:].*")


def _url_password(value: bytes) -> str | None:
    text = value.decode("latin-1")
    is_none = is_for_show(text) or is_stand_in(text) or _PUT_IN.fullmatch(text) is not None
    return None if is_none else "a password in a URL"


def _web_token(value: bytes) -> str | None:
    """RFC 7519: the first part is a JSON object that names an algorithm."""
    try:
        header, claims = map(_json_of, value.split(b".")[:2])
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or "alg" not in header:
        return None
    is_sample = isinstance(claims, dict) and claims.get("name") == _SOMEBODY
    return None if is_sample else "a JSON Web Token"


def _json_of(coded: bytes) -> Any:
    return json.loads(base64.urlsafe_b64decode(coded + b"=" * (-len(coded) % 4)))


_SOMEBODY = "John Doe"  # of the token that documentation shows, https://jwt.io


def _private_key(value: bytes) -> str | None:
    """RFC 7468, RFC 1421 § 4.6.1.1, PROTOCOL.key of OpenSSH, RFC 9580 § 6: what is between the
    lines decodes to a key, or it is text about one."""
    lines = value.replace(b"\\n", b"\n").split(b"\n")[1:-1]  # also as in a JSON string
    is_encrypted = any(line.startswith(b"Proc-Type: 4,ENCRYPTED") for line in lines)
    coded = b"".join(line.strip() for line in lines if b":" not in line and line[:1] != b"=")
    try:
        data = base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        return None
    if data.startswith(b"openssh-key-v1\0"):
        is_encrypted = data[19:23] != b"none"  # behind the magic and a length, the cipher's name
    elif b"PGP" in value[:40]:
        if not data or not data[0] & 0x80:
            return None
        return "a private OpenPGP key"
    elif len(data) < 32 or data[0] != 0x30:  # DER: SEQUENCE
        return None
    is_encrypted = is_encrypted or value.startswith(b"-----BEGIN ENCRYPTED ")
    return "an encrypted private key" if is_encrypted else "a private key"


def _coded_private_key(value: bytes) -> str | None:
    """kubeconfig's `client-key-data` and what Kubernetes' Secrets hold: a key's text in base64."""
    try:
        text = base64.b64decode(b"".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    match = _KEY_TEXT.search(text)
    return _private_key(match["value"]) if match is not None else None


_KEY_BODY = rb"(?:[\t\r\n -,.-~]|-(?!----))*?"
_KEY_TEXT = re.compile(
    rb"(?P<value>-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----" + _KEY_BODY +
    rb"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)"
)  # fmt: skip
_FORMS = (
    _Form(
        "a private key",
        rb"Y(?<=PRIVATE KEY)(?: BLOCK)?-----",
        b"-----BEGIN ",
        _KEY_TEXT,
        _private_key,
        heading=re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY"),
    ),
    _Form(
        "a password in a URL",
        rb":(?<=[a-z0-9]:)//[^/\s:@\x00\"'<>]{0,64}:[^/\s@\x00\"'<>]{1,128}@",
        b":",
        re.compile(  # a password that is the user's name is one for trying things out
            rb"://(?P<user>[^/\s:@\x00\"'<>]{0,64}):(?!(?P=user)@)"
            rb"(?P<value>[^/\s@\x00\"'<>]{1,128})@[A-Za-z0-9.\[-]"
        ),
        _url_password,
    ),
    _token("an AWS access key", b"AK", rb"K(?<=AK)IA[0-9A-Z]{16}", rb"AKIA[0-9A-Z]{16}"),
    _token("an AWS access key", b"AS", rb"S(?<=AS)IA[0-9A-Z]{16}", rb"ASIA[0-9A-Z]{16}"),
    _token("a GitHub token", b"gh", rb"_(?<=gh[pousr]_)", rb"gh[pousr]_[0-9A-Za-z]{36,255}"),
    _token("a GitHub token", b"gith", rb"_(?<=github_)pat_", rb"github_pat_[0-9A-Za-z_]{22,255}"),
    _token("a GitLab token", b"glpat", rb"-(?<=glpat-)", rb"glpat-[0-9A-Za-z_-]{20,255}"),
    _token(
        "a Slack token", b"xox", rb"-(?<=xox[abeoprs]-)",
        rb"xox[abeoprs]-[0-9]+-[0-9A-Za-z-]{8,255}",
    ),
    _token("a Google API key", b"AI", rb"z(?<=AIz)a", rb"AIza[0-9A-Za-z_-]{35}"),
    _token("a Stripe key", b"sk", rb"_(?<=sk_)live_", rb"sk_live_[0-9A-Za-z]{20,255}"),
    _token("a Stripe key", b"rk", rb"_(?<=rk_)live_", rb"rk_live_[0-9A-Za-z]{20,255}"),
    _token("an npm token", b"npm", rb"_(?<=npm_)[0-9A-Za-z]{36}", rb"npm_[0-9A-Za-z]{36}"),
    _token("a PyPI token", b"pypi", rb"-(?<=pypi-)AgE", rb"pypi-AgE[0-9A-Za-z_-]{40,1024}"),
    _token(
        "a SendGrid key", b"SG", rb"\.(?<=SG\.)[\w-]{22}\.", rb"SG\.[\w-]{22}\.[\w-]{43}"
    ),
    _token("a Docker Hub token", b"dckr", rb"_(?<=dckr_)pat_", rb"dckr_pat_[\w-]{27}"),
    # Signed ones of Vault 1.10 and later, and 24 letters and digits where these are turned off.
    _token(
        "a Vault token", b"hvs", rb"\.(?<=hvs\.)\w",
        rb"hvs\.(?:[\w-]{90,300}|(?=[A-Za-z]*[0-9]+[A-Za-z])[0-9A-Za-z]{24})",
    ),
    _token("a Vault token", b"hvb", rb"\.(?<=hvb\.)\w", rb"hvb\.[\w-]{138,300}"),
    _token(
        "an Anthropic key", b"sk", rb"-(?<=sk-)ant-", rb"sk-ant-[a-z]{3,5}[0-9]{2}-[\w-]{80,120}"
    ),
    _token(
        "a DigitalOcean token", b"do", rb"_(?<=do[opr]_)v1_", rb"do[opr]_v1_[0-9a-f]{64}"
    ),
    _token(
        "an OpenAI key", b"sk-", rb"J(?<=T3BlbkFJ)",
        rb"sk-(?:[a-z]+-)?[\w-]{20,100}T3BlbkFJ[\w-]{20,100}",
    ),
    _token("a Hugging Face token", b"hf", rb"_(?<=hf_)[0-9A-Za-z]{34}", rb"hf_[0-9A-Za-z]{34}"),
    _token(
        "a Google OAuth client secret", b"GOCSPX", rb"-(?<=GOCSPX-)[\w-]{28}", rb"GOCSPX-[\w-]{28}"
    ),
    # Incoming webhooks of Slack: whoever has the address may write there.
    _Form(
        "a Slack webhook",
        rb"\.(?<=hooks\.)slack\.com/services/T",
        b"hooks",
        re.compile(rb"hooks\.slack\.com/services/T\w{6,12}/B\w{6,12}/(?P<value>\w{20,32})\b"),
        lambda value: _is_varied(value, "a Slack webhook"),
    ),
    # Of 64 bytes, in connection strings of Azure Storage.
    _Form(
        "an Azure storage key",
        rb"K(?<=AccountK)ey=[0-9A-Za-z+/]{86}==",
        b"Account",
        re.compile(rb"AccountKey=(?P<value>[0-9A-Za-z+/]{86}==)"),
        lambda value: _is_varied(value, "an Azure storage key"),
    ),
    # C2SP age.md: Bech32 (BIP 173) of 32 bytes and its checksum.
    _token(
        "an age key", b"AGE", rb"-(?<=AGE-)SECRET-KEY-1",
        rb"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    ),
    _Form(
        "a private key",
        rb"J(?<=LS0tLS1CRUdJ)Ti",
        b"LS0tLS1CRUdJ",
        re.compile(  # in one line, or in those of 64 or 76 (RFC 7468 § 2, RFC 2045 § 6.8)
            rb"(?P<value>LS0tLS1CRUdJTi(?:[0-9A-Za-z+/]{64,24000}={0,2}"
            rb"|(?:[0-9A-Za-z+/]{50}|[0-9A-Za-z+/]{62})(?:\r?\n[ \t]*[0-9A-Za-z+/]{60,76})+"
            rb"(?:\r?\n[ \t]*[0-9A-Za-z+/]{1,76}={0,2})?))"
        ),
        _coded_private_key,
    ),
    # `ghp_` in base64, by where it stands in a group of three bytes.
    _coded(b"Z", rb"Z2hwX", rb"Z2hwX", b""),
    _coded(b"docF", rb"F(?<=docF)[89]", rb"docF", b"AG"),
    _coded(b"naHB", rb"B(?<=naHB)f", rb"naHBf", b"AAB"),
    _Form(
        "a JSON Web Token",
        rb"J(?<=\.eyJ)",
        b"eyJ",
        re.compile(
            rb"(?P<value>eyJ[0-9A-Za-z_-]{8,4096}\.eyJ[0-9A-Za-z_-]{8,8192}\.[0-9A-Za-z_-]{8,1024})"
        ),
        _web_token,
        distance=len(".eyJ"),
    ),
)  # fmt: skip


def _first_byte(form: _Form) -> tuple[bytes, bytes]:
    """Of its rare byte's pattern, with the rest."""
    length = 2 if form.pivot.startswith(b"\\") else 1
    return form.pivot[:length], form.pivot[length:]


_PIVOTS = tuple((form, re.compile(form.pivot)) for form in _FORMS)


def _any_pivot(forms: Iterable[_Form]) -> re.Pattern[bytes]:
    """The first bytes of all are looked for at once, and behind one only what begins with it."""
    by_first = groupby(sorted(map(_first_byte, forms)), key=itemgetter(0))
    return re.compile(
        b"|".join(
            first + b"(?:" + b"|".join(rest for _, rest in rests) + b")"
            for first, rests in by_first
        )
    )


_PIVOT_OF_TEXTS = _any_pivot(_FORMS)
_PIVOT = _any_pivot(form for form in _FORMS if not form.is_of_texts)


def form_of(text: str) -> str | None:
    """The kind of the first secret that `text` holds, or of a private key that seems to be one."""
    data = text.encode(errors="surrogateescape")
    found = next(search(data), None)
    if found is not None:
        return found.kind
    seeming = (form.kind for form in _FORMS if form.heading and form.heading.search(data))
    return next(seeming, None)


def search(text: bytes) -> Iterator[Match]:
    """Every secret that has a form, in order and without overlaps."""
    done = 0
    for place in (_PIVOT if b"\0" in text else _PIVOT_OF_TEXTS).finditer(text):
        match = _at(text, place.start(), done)
        if match is not None:
            done = match.end
            yield match


def search_text(text: str) -> Iterator[Match]:
    """The same by characters."""
    data = text.encode(errors="surrogateescape")
    for match in search(data):
        start, end = (
            len(data[:place].decode(errors="surrogateescape")) for place in (match.start, match.end)
        )
        yield Match(match.kind, start, end)


def apart(matches: Iterable[Match]) -> Iterator[Match]:
    """In order, and of those that overlap the one that begins first, or was found first."""
    done = 0
    for match in sorted(matches, key=attrgetter("start")):
        if match.start >= done:
            done = match.end
            yield match


def _at(text: bytes, place: int, done: int) -> Match | None:
    """What has a form that is found by this place, if it begins at `done` or later."""
    for form, pivot in _PIVOTS:
        if pivot.match(text, place) is None:
            continue
        lowest = max(done, place - BEFORE_BYTES)
        start = text.rfind(form.start, lowest, place + 1 - form.distance)
        match = form.pattern.match(text, start, place + BEHIND_BYTES) if start >= 0 else None
        kind = form.check(match["value"]) if match is not None else None
        if match is not None and kind is not None:
            return Match(kind, match.start("value"), match.end("value"))
    return None
