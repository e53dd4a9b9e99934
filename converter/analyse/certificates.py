"""Certificates that a program trusts without being told which: where OpenSSL, GnuTLS, Go's
crypto/x509 and Rust's rustls-native-certs look for them.

Not what a language brings itself: Java's key store and Python's certifi come with their trees.
"""

from __future__ import annotations

import re

from ..model import Entrypoint, Node, NodeType
from .closure import Closure

_OPENSSL_TOP = re.compile(rb'OPENSSLDIR: "(/[\x21-\x7e]+?)"\0')
_USUAL_TOP = "/usr/lib/ssl"
# The bundle that GnuTLS is built to read (gnutls_certificate_set_x509_system_trust(3)): a C string.
_GNUTLS_BUNDLE = re.compile(rb"(?<=\0)/etc/[\x21-\x7e]+\.(?:crt|pem)(?=\0)")
# certFiles and certDirectories of Go's crypto/x509/root_linux.go; Rust's openssl-probe has the same
# that distributions use.
_LINKED_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
)  # fmt: skip
_LINKED_DIRECTORIES = ("/etc/ssl/certs", "/etc/pki/tls/certs")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


def add_certificates(closure: Closure, entrypoint: Entrypoint) -> None:
    """Need those that the closure's libraries, or what is linked into it, trust by default."""
    _add_openssl_s(closure)
    _add_gnutls_s(closure)
    _add_linked_s(closure, entrypoint)


def openssl_top(crypto: bytes) -> str:
    """OPENSSLDIR of a libcrypto (openssl-version(1))."""
    match = _OPENSSL_TOP.search(crypto)
    return match[1].decode("ascii") if match else _USUAL_TOP


def _add_openssl_s(closure: Closure) -> None:
    """A bundle and a directory (openssl-verification-options(1) § Trusted Certificate Options)."""
    crypto = closure.library("libcrypto.so.")
    if crypto is None or closure.library("libssl.so.") is None:
        return
    because = "certificates that libssl trusts by default"
    top = openssl_top(crypto.data)
    closure.needs.add(f"{top}/cert.pem", because)
    closure.needs.add(f"{top}/certs", because)
    for node in _children(closure, f"{top}/certs"):
        closure.needs.add(node.path, because)


def _add_gnutls_s(closure: Closure) -> None:
    library = closure.library("libgnutls.so.")
    for path in library.strings(_GNUTLS_BUNDLE) if library is not None else ():
        closure.needs.add(path, "certificates that libgnutls trusts by default")


def _add_linked_s(closure: Closure, entrypoint: Entrypoint) -> None:
    """The first bundle there is, and of the directories, all of which are read, what is not in it:
    such as one that was copied there beside those of the distribution."""
    program = closure.elves[entrypoint.exe]
    if not program.joins_strings or not program.holds(_LINKED_DIRECTORIES[0]):
        return
    because = f"certificates that {entrypoint.exe} trusts by default"
    bundles = (closure.needs.add(path, because) for path in _LINKED_BUNDLES)
    known = _certificates(next(filter(None, bundles), None))
    for directory in _LINKED_DIRECTORIES:
        for node in _children(closure, directory):
            if not known.issuperset(_certificates(closure.needs.tree.resolve(node.path))):
                closure.needs.add(node.path, because)


def _children(closure: Closure, path: str) -> list[Node]:
    directory = closure.needs.tree.resolve(path)
    return list(closure.needs.tree.children(directory.path)) if directory is not None else []


def _certificates(node: Node | None) -> set[bytes]:
    """Of a file in PEM (RFC 7468), without its line ends."""
    if node is None or node.type is not NodeType.FILE or node.content is None:
        return set()
    return {b"".join(found.split()) for found in _CERTIFICATE.findall(node.content.read())}
