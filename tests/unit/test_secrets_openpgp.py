"""Binary OpenPGP keys as GnuPG exports them: with the secret or without, encrypted or not."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dock2uk.secrets import key_files

KEY, ENCRYPTED_KEY = "an OpenPGP secret key", "an encrypted OpenPGP secret key"
# As GnuPG names them.
ALGORITHMS = ("rsa1024", "dsa1024", "ed25519", "nistp256", "future-default")


class Keyring:
    """A GnuPG home of its own, and what it exports."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700)

    def ask(self, *words: str) -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--yes"]
        command += ["--pinentry-mode", "loopback", *words]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def make(self, algorithm: str, passphrase: str) -> str:
        name = f"{algorithm}-{passphrase}@example.org"
        self.ask("--passphrase", passphrase, "--quick-generate-key", name, algorithm)
        return name

    def end(self) -> None:
        command = ["gpgconf", "--homedir", str(self.home), "--kill", "all"]
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyring]:
    # The agent's socket has its path of at most 108 bytes (unix(7)) in the home.
    ring = Keyring(Path("/tmp") / tmp_path_factory.mktemp("g").name)
    yield ring
    ring.end()
    shutil.rmtree(ring.home)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("passphrase", "kind"), [("", KEY), ("x1y2", ENCRYPTED_KEY)])
def test_exported_keys(keyring: Keyring, algorithm: str, passphrase: str, kind: str) -> None:
    name = keyring.make(algorithm, passphrase)
    secret = keyring.ask("--passphrase", passphrase, "--export-secret-keys", name)
    assert key_files.kind_of(secret) == kind
    assert key_files.kind_of(keyring.ask("--export", name)) is None
    assert key_files.kind_of(secret + b"\0") is None
    assert all(key_files.kind_of(secret[:end]) is None for end in range(1, 60))


def test_a_subkey_alone_has_its_secret(keyring: Keyring) -> None:
    name = keyring.make("future-default", "x1y2")
    words = ("--passphrase", "x1y2", "--export-secret-subkeys", name)
    assert key_files.kind_of(keyring.ask(*words)) == ENCRYPTED_KEY


def test_a_key_that_is_elsewhere_is_none(keyring: Keyring) -> None:
    name = keyring.make("dsa1024", "x2")
    words = ("--passphrase", "x2", "--export-secret-subkeys", name)
    assert key_files.kind_of(keyring.ask(*words)) is None


@pytest.mark.parametrize(
    "body", [b"", b"\4", b"\3" + bytes(40), b"\4" + bytes(40), b"\4\0\0\0\0\x63" + bytes(40)]
)
def test_what_is_near_one(body: bytes) -> None:
    assert key_files.kind_of(b"\x94" + bytes((len(body),)) + body) is None
