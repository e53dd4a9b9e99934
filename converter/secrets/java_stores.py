"""Java's key stores, JKS and JCEKS (sun.security.provider.JavaKeyStore of OpenJDK, engineStore).

One with certificates alone is a trust store, and no secret. What is behind the first key is not
read: how long the Java object is that a secret key of JCEKS is kept as, is not told.
"""

from __future__ import annotations

from . import der
from .byte_reader import ByteReader

MAGICS = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
_VERSIONS = (1, 2)
_PRIVATE_KEY, _CERTIFICATE, _SECRET_KEY = 1, 2, 3
_DATE_BYTES, _DIGEST_BYTES = 8, 20
_MOST_ENTRIES = 10_000
_OBJECT_STREAM = b"\xac\xed\0\5"  # Java Object Serialization § 6.4.2


def kind_of(data: bytes) -> str | None:
    """What it is, if it has a key; None for a trust store and for what is none at all."""
    reader = ByteReader(data[: -_DIGEST_BYTES or None])
    try:
        return _first_key(reader)
    except ValueError:
        return None


def _first_key(reader: ByteReader) -> str | None:
    reader.take(len(MAGICS[0]))
    version = reader.number()
    if version not in _VERSIONS:
        return None
    for _ in range(min(reader.number(), _MOST_ENTRIES)):
        tag = reader.number()
        reader.block(2)  # its alias
        reader.take(_DATE_BYTES)
        if tag != _CERTIFICATE:
            return _key(reader, tag)
        if version > 1:
            reader.block(2)  # of which type it is
        reader.block()
    return None


def _key(reader: ByteReader, tag: int) -> str | None:
    if tag == _PRIVATE_KEY:
        key = der.elements(reader.block())
        is_one = [part.tag for part in key] == [der.SEQUENCE]
        return "a Java key store with a private key" if is_one else None
    if tag == _SECRET_KEY and reader.take(len(_OBJECT_STREAM)) == _OBJECT_STREAM:
        return "a Java key store with a secret key"
    return None
