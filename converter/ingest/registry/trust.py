"""Whom to believe: TLS contexts, with the certificates that docker's and skopeo's users have.

Those are `*.crt` (authorities) and NAME.cert with NAME.key (who we are) in certs.d/HOST[:PORT]
(containers-certs.d(5)), beside OpenSSL's own, which SSL_CERT_FILE and SSL_CERT_DIR replace.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

from ...errors import SourceError

_SYSTEM = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))


def user_directory() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "containers/certs.d"


def tls_context(host: str, *, is_verified: bool) -> ssl.SSLContext:
    """For connections to HOST[:PORT]."""
    if is_verified:
        context = ssl.create_default_context()
    else:  # without reading all the authorities, which takes longer than a small pull
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for directory in _directories(host):
        _load(context, directory)
    return context


def is_loopback(host: str) -> bool:
    """What never leaves this machine needs no TLS, as docker has it."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _directories(host: str) -> Iterator[Path]:
    for base in (user_directory(), *_SYSTEM):
        if "/" not in host and (base / host).is_dir():
            yield base / host


def _load(context: ssl.SSLContext, directory: Path) -> None:
    try:
        for authority in sorted(directory.glob("*.crt")):
            context.load_verify_locations(authority)
        for certificate in sorted(directory.glob("*.cert")):
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    except (OSError, ssl.SSLError) as problem:
        raise SourceError(f"the certificates in {directory} cannot be used: {problem}") from problem
