"""Binary OpenPGP secret keys (RFC 9580), as `gpg --export-secret-keys` and secring.gpg have them.

A file is one if it consists of packets to its last byte, the first of them a secret key. Lengths of
parts (§ 4.2.1.4), which keys do not have, are not taken; armoured ones are texts.
"""

from __future__ import annotations

from .byte_reader import ByteReader

_SECRET_KEY, _SECRET_SUBKEY = 5, 7  # § 5: types of packets
# § 4.2: the high bit is set, the next tells the formats apart. Of the first byte of a key.
FIRST_BYTES = (b"\x94", b"\x95", b"\x96", b"\xc5")
_IS_PACKET, _IS_CURRENT = 0x80, 0x40
_LEGACY_LENGTH_BYTES = (1, 2, 4)  # § 4.2.2
_TWO_BYTES_FROM, _PARTS_FROM, _FOUR_BYTES = 192, 224, 255  # § 4.2.1
_VERSIONS = (4, 6)
_TIME_BYTES = 4
# § 9.1: how many multiprecision integers the public part of an algorithm has.
_INTEGERS = {1: 2, 2: 2, 3: 2, 16: 3, 17: 4}
_ON_A_CURVE = {18: True, 19: False, 22: False}  # whether parameters of a key derivation follow
_FIXED_BYTES = {25: 32, 26: 56, 27: 32, 28: 57}
# § 3.7.2.1: how the secret part is protected; 0 is not at all.
_OPEN, _WITH_SPECIFIER = 0, (253, 254, 255)
# GnuPG's doc/DETAILS: the secret is not in here, or on a card. A hash is named between.
_GNU_SPECIFIER, _GNU_BYTES = (b"e", b"GNU"), 5
KEY, ENCRYPTED_KEY = "an OpenPGP secret key", "an encrypted OpenPGP secret key"


def kind_of(data: bytes) -> str | None:
    """What it is, if it is one with a secret in it; that may be a subkey's alone."""
    try:
        packets = _packets(ByteReader(data))
        if packets[0][0] != _SECRET_KEY:
            return None
        keys = (body for kind, body in packets if kind in (_SECRET_KEY, _SECRET_SUBKEY))
        return next(filter(None, (_of_secret_key(ByteReader(body)) for body in keys)), None)
    except ValueError:
        return None


def _packets(reader: ByteReader) -> list[tuple[int, bytes]]:
    """Each one's type and body."""
    found = []
    while not reader.is_at_end:
        header = reader.number(1)
        if not header & _IS_PACKET:
            raise ValueError("no packet")
        if header & _IS_CURRENT:
            found.append((header & 0x3F, reader.take(_current_length(reader))))
        else:
            size_bytes = _LEGACY_LENGTH_BYTES[header & 3]
            found.append((header >> 2 & 0xF, reader.block(size_bytes)))
    return found


def _current_length(reader: ByteReader) -> int:
    first = reader.number(1)
    if first < _TWO_BYTES_FROM:
        return first
    if first == _FOUR_BYTES:
        return reader.number()
    if first >= _PARTS_FROM:
        raise ValueError("a length of parts")
    return (first - _TWO_BYTES_FROM << 8) + reader.number(1) + _TWO_BYTES_FROM


def _of_secret_key(reader: ByteReader) -> str | None:
    """§ 5.5.3: the public key, then how the secret is protected, and the secret."""
    version = reader.number(1)
    if version not in _VERSIONS:
        return None
    reader.take(_TIME_BYTES)
    algorithm = reader.number(1)
    if version == _VERSIONS[-1]:
        reader.block()
    else:
        _pass_public(reader, algorithm)
    usage = reader.number(1)
    if usage in _WITH_SPECIFIER and version != _VERSIONS[-1]:
        reader.take(1)  # the cipher
        specifier = reader.take(_GNU_BYTES)
        if (specifier[:1], specifier[2:]) == _GNU_SPECIFIER:
            return None
    if reader.is_at_end:
        return None
    return KEY if usage == _OPEN else ENCRYPTED_KEY


def _pass_public(reader: ByteReader, algorithm: int) -> None:
    """§ 5.5.5, by algorithm; ValueError for one that is not known."""
    if algorithm in _FIXED_BYTES:
        reader.take(_FIXED_BYTES[algorithm])
        return
    if algorithm in _ON_A_CURVE:
        reader.block(1)  # its object identifier
    elif algorithm not in _INTEGERS:
        raise ValueError("no public key algorithm")
    for _ in range(_INTEGERS.get(algorithm, 1)):
        reader.take((reader.number(2) + 7) // 8)  # § 3.2: their length is in bits
    if _ON_A_CURVE.get(algorithm):
        reader.block(1)
