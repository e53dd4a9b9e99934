"""Files that are a private key or a store of such as a whole, and no text.

A file is taken for one only if all of its structure says so, to its last byte: nothing is guessed
by a name. A PKCS#12 store is one by a bag of a key that can be seen; keys within an encrypted part
(RFC 7292 § 4.1) are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import der, java_stores, openpgp

LARGEST_BYTES = 1 << 20
KEY, ENCRYPTED_KEY = "a private key", "an encrypted private key"
_STORE = "a PKCS#12 store with a private key"
_SHORTEST_KEY_BYTES = 16
_SHORTEST_MODULUS = 512  # bits of RSA
_LONGEST_PRIME = 10_000  # bits of DSA, as OpenSSL has it (OPENSSL_DSA_MAX_MODULUS_BITS)
_EC_KEY_BYTES = range(14, 67)  # secp112r1 to secp521r1 (SEC 2)
_ELLIPTIC_TAGS = ((der.OCTET_STRING, 0xA0), (der.OCTET_STRING, 0xA0, 0xA1))
# RFC 8018 § A.3 and § A.4, RFC 7292 § C: what a key can be encrypted with.
_ENCRYPTIONS = (bytes.fromhex("2a864886f70d0105"), bytes.fromhex("2a864886f70d010c01"))
# RFC 5652 § 4 and § 5: data, and signedData.
_CONTENTS = (bytes.fromhex("2a864886f70d010701"), bytes.fromhex("2a864886f70d010702"))
# RFC 7292 § 4.2.1 and § 4.2.2: keyBag, and pkcs8ShroudedKeyBag.
_KEY_BAG = re.compile(re.escape(bytes.fromhex("060b2a864886f70d010c0a01")) + b"[\1\2]")
# The same outer elements with lengths that are not told (X.690 § 8.1.3.6), as NSS writes them.
_ENDLESS_STORE = re.compile(
    re.escape(bytes.fromhex("3080020103308006092a864886f70d0107")) + b"[\1\2]\xa0\x80.*\0\0",
    re.DOTALL,
)
# Appendix C.1 of PuTTY's manual; agent/keyformat.txt of GnuPG.
_PUTTY = re.compile(
    rb"PuTTY-User-Key-File-[123]: [\w@.-]+\r?\nEncryption: (?P<cipher>[\w-]+)\r?\n"
    rb".*\nPrivate-Lines: [0-9]+\r?\n",
    re.DOTALL,
)
_AGENT = re.compile(
    rb"(?:(?:[A-Z][\w-]*:[^\n]*\n)*Key: \((?:[0-9]+:)?|\([0-9]+:)(?P<kind>[a-z-]+)[( \n]"
)
_AGENT_KINDS = {
    b"private-key": KEY, b"protected-private-key": ENCRYPTED_KEY, b"shadowed-private-key": None
}  # fmt: skip


def kind_of(data: bytes) -> str | None:
    """What the file is, if it is one."""
    if data[:1] == b"\x30":
        return _of_der(data)
    if data[:4] in java_stores.MAGICS:
        return java_stores.kind_of(data)
    if data[:1] in openpgp.FIRST_BYTES:
        return openpgp.kind_of(data)
    if putty := _PUTTY.match(data):
        return KEY if putty["cipher"] == b"none" else ENCRYPTED_KEY
    agent = _AGENT.match(data) if data[:1].isupper() or data[:1] == b"(" else None
    return _AGENT_KINDS.get(agent["kind"]) if agent else None


def _of_der(data: bytes) -> str | None:
    if _ENDLESS_STORE.fullmatch(data):
        return _STORE if _KEY_BAG.search(data) else None
    try:
        outer = der.elements(data)
        if len(outer) != 1:
            return None
        parts = der.elements(outer[0].content)
        return next(_kinds(tuple(part.tag for part in parts), parts), None)
    except ValueError:
        return None


def _kinds(tags: tuple[int, ...], parts: tuple[der.Element, ...]) -> Iterator[str]:
    """By the tags first, and then by what only this structure has in them. Raises ValueError."""
    numbered, rest = tags[:1] == (der.INTEGER,), tags[1:]
    if numbered and rest[:2] == (der.SEQUENCE, der.OCTET_STRING) and _is_pkcs8(parts):
        yield KEY
    if numbered and set(rest) == {der.INTEGER} and len(rest) == 8 and _is_rsa(parts):
        yield KEY
    if numbered and set(rest) == {der.INTEGER} and len(rest) == 5 and _is_dsa(parts):
        yield KEY
    if numbered and rest in _ELLIPTIC_TAGS and _is_elliptic(parts):
        yield KEY
    if tags == (der.SEQUENCE, der.OCTET_STRING) and _is_encrypted(parts):
        yield ENCRYPTED_KEY
    if numbered and rest in ((der.SEQUENCE,), (der.SEQUENCE, der.SEQUENCE)) and _is_store(parts):
        yield _STORE


def _is_pkcs8(parts: tuple[der.Element, ...]) -> bool:
    """RFC 5958 § 2: OneAsymmetricKey, of version 1 with the public key [1] and else of 0."""
    tags = tuple(part.tag for part in parts[3:])
    version = {(): 0, (0xA0,): 0, (0x81,): 1, (0xA0, 0x81): 1}.get(tags)
    algorithm = der.elements(parts[1].content)
    return (
        version is not None
        and parts[0].content == bytes((version,))
        and len(algorithm) in (1, 2)
        and algorithm[0].tag == der.OBJECT
        and len(parts[2].content) >= _SHORTEST_KEY_BYTES
    )


def _is_rsa(parts: tuple[der.Element, ...]) -> bool:
    """RFC 8017 § A.1.2: version, n, e, d, p, q and three more; n is the product of p and q."""
    version, modulus, _, _, first, second, *_ = (int.from_bytes(one.content) for one in parts)
    return version == 0 and modulus == first * second and modulus.bit_length() >= _SHORTEST_MODULUS


def _is_dsa(parts: tuple[der.Element, ...]) -> bool:
    """As openssl-dsa(1) writes it: version, p, q, g, y and x; y is the x-th power of g."""
    version, prime, _, base, public, secret = (int.from_bytes(one.content) for one in parts)
    return (
        version == 0
        and _SHORTEST_MODULUS <= prime.bit_length() <= _LONGEST_PRIME
        and secret.bit_length() <= prime.bit_length()
        and pow(base, secret, prime) == public
    )


def _is_elliptic(parts: tuple[der.Element, ...]) -> bool:
    """RFC 5915 § 3: version 1, the key, its curve, which an implementation must give, the point."""
    curve = der.elements(parts[2].content)
    points = [der.elements(part.content) for part in parts[3:]]
    return (
        parts[0].content == b"\1"
        and len(parts[1].content) in _EC_KEY_BYTES
        and [one.tag for one in curve] in ([der.OBJECT], [der.SEQUENCE])
        and all([one.tag for one in point] == [der.BIT_STRING] for point in points)
    )


def _is_encrypted(parts: tuple[der.Element, ...]) -> bool:
    """RFC 5958 § 3; a DigestInfo (RFC 8017 § A.2.4) differs from it by its algorithm alone."""
    algorithm = der.elements(parts[0].content)
    return (
        [one.tag for one in algorithm] == [der.OBJECT, der.SEQUENCE]
        and algorithm[0].content.startswith(_ENCRYPTIONS)
        and bool(parts[1].content)
    )


def _is_store(parts: tuple[der.Element, ...]) -> bool:
    """RFC 7292 § 4: version 3, and of the content its type and [0]."""
    content = der.elements(parts[1].content)
    return (
        parts[0].content == b"\3"
        and [one.tag for one in content] == [der.OBJECT, 0xA0]
        and content[0].content in _CONTENTS
        and _KEY_BAG.search(content[1].content) is not None
    )
