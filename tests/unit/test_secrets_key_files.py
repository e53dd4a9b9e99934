"""Private keys that are no text are known by all of their structure; what is near one is none."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from dock2uk.ingest import read_image
from dock2uk.progress import Silent
from dock2uk.secrets import find, key_files
from tests.images import docker_archive, file, layer

KEY, ENCRYPTED_KEY = "a private key", "an encrypted private key"
STORE = "a PKCS#12 store with a private key"
# openssl's words -> what it writes; `key` is RSA's, `curve` is P-256's.
MADE = {
    "pkcs8": "pkcs8 -topk8 -nocrypt -in key -outform DER -out pkcs8",
    "pkcs1": "rsa -traditional -in key -outform DER -out pkcs1",
    "sec1": "ec -in curve -outform DER -out sec1",
    "ed25519": "genpkey -algorithm ED25519 -outform DER -out ed25519",
    "dsa-pkcs8": "pkcs8 -topk8 -nocrypt -in dsa -outform DER -out dsa-pkcs8",
    "dsa-traditional": "dsa -in dsa -outform DER -out dsa-traditional",
    "dsa-public": "dsa -in dsa -pubout -outform DER -out dsa-public",
    "encrypted": "pkcs8 -topk8 -in key -passout pass:x1y2 -outform DER -out encrypted",
    "certificate": "x509 -in certificate.pem -outform DER -out certificate",
    "public": "pkey -in key -pubout -outform DER -out public",
    "rsa-public": "rsa -in key -RSAPublicKey_out -outform DER -out rsa-public",
    "parameters": "ecparam -name prime256v1 -outform DER -out parameters",
    "request": "req -new -key key -subj /CN=a -outform DER -out request",
    "signed": "cms -sign -in key -signer certificate.pem -inkey key -outform DER -out signed",
    "store": "pkcs12 -export -inkey key -in certificate.pem -passout pass:x1y2 -out store",
    "bare-store": (
        "pkcs12 -export -inkey key -in certificate.pem -passout pass: -nomac -keypbe NONE"
        " -certpbe NONE -out bare-store"
    ),
    "trusted": "pkcs12 -export -nokeys -in certificate.pem -passout pass:x1y2 -out trusted",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Each of them by its name."""
    directory = tmp_path_factory.mktemp("keys")
    first = (
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out key",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out curve",
        "genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out parameters.pem",
        "genpkey -paramfile parameters.pem -out dsa",
        "req -x509 -key key -subj /CN=a -days 9 -out certificate.pem",
    )
    for words in (*first, *MADE.values()):
        command = ["openssl", *words.split(" ")]
        subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return {name: (directory / name).read_bytes() for name in MADE}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pkcs8", KEY),
        ("pkcs1", KEY),
        ("sec1", KEY),
        ("ed25519", KEY),
        ("dsa-pkcs8", KEY),
        ("dsa-traditional", KEY),
        ("encrypted", ENCRYPTED_KEY),
        ("store", STORE),
        ("bare-store", STORE),
        *((one, None) for one in ("certificate", "public", "rsa-public", "dsa-public")),
        ("parameters", None),
        *((one, None) for one in ("request", "signed", "trusted")),
    ],
)
def test_what_openssl_writes(made: dict[str, bytes], name: str, kind: str | None) -> None:
    assert key_files.kind_of(made[name]) == kind


@pytest.mark.parametrize(
    "name", ["pkcs8", "pkcs1", "sec1", "dsa-traditional", "encrypted", "store"]
)
def test_every_length_must_fit(made: dict[str, bytes], name: str) -> None:
    whole = made[name]
    assert key_files.kind_of(whole + b"\0") is None
    assert all(key_files.kind_of(whole[:end]) is None for end in range(len(whole)))


def element(tag: int, *content: bytes) -> bytes:
    data = b"".join(content)
    if len(data) < 128:
        return bytes((tag, len(data))) + data
    size = len(data).to_bytes((len(data).bit_length() + 7) // 8)
    return bytes((tag, 128 + len(size))) + size + data


def number(value: int) -> bytes:
    return element(2, value.to_bytes(value.bit_length() // 8 + 1))


SHA256 = element(6, bytes.fromhex("608648016503040201"))
AES = element(6, bytes.fromhex("2a864886f70d01050d"))
BAG = bytes.fromhex("060b2a864886f70d010c0a0102")
DATA = bytes.fromhex("06092a864886f70d010701")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"0",
        b"0" * 300,
        b"0\x80" + b"\0" * 30,
        b"0\x84\xff\xff\xff\xff",
        b"0\x82\0\x05" + number(0) + b"\5\0",  # not the shortest form
        b"0\x81\x05" + number(0) + b"\5\0",
        b"\x1f" * 64,
        element(0x30, element(0x30, SHA256, b"\5\0"), element(4, bytes(32))),  # a digest
        element(0x30, *(number(one) for one in range(9))),
        element(0x30, *(number(1 << 600) for _ in range(9))),  # nine, of which none is a product
        element(0x30, number(0), *(number(1 << 600) for _ in range(5))),  # no power of another
        element(0x30, number(2), element(0x30, SHA256), element(4, bytes(32))),  # another version
        element(0x30, number(0), element(0x30, SHA256), element(4, b"")),
        element(0x30, number(0), element(0x30, SHA256), element(4, bytes(32)), element(0xA3)),
        element(0x30, number(1), element(4, bytes(32)), element(0xA0, number(7))),
        element(0x30, number(1), element(4, bytes(5)), element(0xA0, SHA256)),
        element(0x30, number(1), element(4, bytes(32))),
        element(0x30, number(3), element(0x30, DATA, element(0xA0, b"no bag"))),
        element(0x30, number(4), element(0x30, DATA, element(0xA0, BAG))),
        element(0x30, number(3), element(0x30, SHA256, element(0xA0, BAG))),
        bytes.fromhex("30800201033080") + DATA + b"\xa0\x80 no bag \0\0",
        element(0x30, element(0x30) * 100),
    ],
)
def test_what_is_near_one_is_none(data: bytes) -> None:
    assert key_files.kind_of(data) is None


def test_an_encrypted_key_by_its_algorithm() -> None:
    parts = element(0x30, AES, element(0x30)), element(4, bytes(32))
    assert key_files.kind_of(element(0x30, *parts)) == ENCRYPTED_KEY


def test_a_store_whose_lengths_are_not_told() -> None:
    data = bytes.fromhex("30800201033080") + DATA + b"\xa0\x80" + BAG + b"\0\0"
    assert key_files.kind_of(data) == STORE
    assert key_files.kind_of(data[:-1]) is None


def sized(data: bytes, size_bytes: int = 4) -> bytes:
    return len(data).to_bytes(size_bytes) + data


def entry(tag: int, rest: bytes) -> bytes:
    return tag.to_bytes(4) + sized(b"alias", 2) + bytes(8) + rest


def java(*entries: bytes, magic: int = 0xFEEDFEED, version: int = 2) -> bytes:
    head = b"".join(one.to_bytes(4) for one in (magic, version, len(entries)))
    return head + b"".join(entries) + bytes(20)


TRUSTED = entry(2, sized(b"X.509", 2) + sized(b"0\x03\2\1\0"))
PRIVATE = entry(1, sized(element(0x30, bytes(40))) + bytes(4))


@pytest.mark.parametrize("magic", [0xFEEDFEED, 0xCECECECE])
def test_a_java_store_is_a_secret_if_it_has_a_key(magic: int) -> None:
    kind = "a Java key store with a private key"
    assert key_files.kind_of(java(PRIVATE, magic=magic)) == kind
    assert key_files.kind_of(java(TRUSTED, TRUSTED, PRIVATE, magic=magic)) == kind
    assert key_files.kind_of(java(TRUSTED, TRUSTED, magic=magic)) is None
    assert key_files.kind_of(java(magic=magic)) is None


def test_a_secret_key_of_a_java_store() -> None:
    secret = entry(3, b"\xac\xed\0\5sr")
    store = java(TRUSTED, secret, magic=0xCECECECE)
    assert key_files.kind_of(store) == "a Java key store with a secret key"


@pytest.mark.parametrize(
    "data",
    [
        b"\xfe\xed\xfe\xed",
        java(PRIVATE)[:50],
        java(PRIVATE, version=3),
        java(PRIVATE, magic=0xFEEDFACE),  # a program of macOS
        java(entry(1, sized(b"no DER"))),
        java(entry(1, b"\xff\xff\xff\xff")),
        java(entry(4, sized(element(0x30, bytes(40))))),
        java(entry(3, b"no object")),
    ],
)
def test_what_is_no_java_store_is_none(data: bytes) -> None:
    assert key_files.kind_of(data) is None


PUTTY = (
    "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: a\nPublic-Lines: 1\nAAAA\n"
    "Private-Lines: 1\nAAAA\nPrivate-MAC: 00\n"
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PUTTY, KEY),
        (PUTTY.replace("\n", "\r\n"), KEY),
        (PUTTY.replace("none", "aes256-cbc"), ENCRYPTED_KEY),
        (PUTTY.partition("Private")[0], None),
        (f"A key begins so:\n{PUTTY}", None),
        ("(11:private-key(3:ecc", KEY),
        ("(21:protected-private-key(3:rsa", ENCRYPTED_KEY),
        ("(20:shadowed-private-key(3:rsa", None),
        ("(10:public-key(3:rsa", None),
        ("Created: 20260101T000000\nKey: (protected-private-key (rsa\n", ENCRYPTED_KEY),
        ("Created: 20260101T000000\nKey: (private-key (ecc\n", KEY),
        ("(private-key is a word of Lisp)", None),
        ("Key: see (private-key below)", None),
    ],
)
def test_keys_of_putty_and_of_gnupg(text: str, kind: str | None) -> None:
    assert key_files.kind_of(text.encode()) == kind


def test_they_are_found_in_an_image(
    made: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    large = made["store"] + bytes(key_files.LARGEST_BYTES)
    files = (
        file("a.der", made["pkcs8"]),
        file("b.jks", java(PRIVATE)),
        file("c.jks", java(TRUSTED)),
    )
    path = docker_archive(tmp_path / "image.tar", (layer(*files, file("d.p12", large)),))
    found = find(read_image(f"docker-archive:{path}", Silent()))
    assert [(one.kind, one.place, one.digest) for one in found] == [
        (KEY, "/a.der", hashlib.sha256(made["pkcs8"]).hexdigest()[:12]),
        ("a Java key store with a private key", "/b.jks",
         hashlib.sha256(java(PRIVATE)).hexdigest()[:12]),
    ]  # fmt: skip
