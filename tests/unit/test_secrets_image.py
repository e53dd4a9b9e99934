"""Secrets planted in an image are found where they are, and what is none is not taken for one."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
from pathlib import Path

import pytest

from dock2uk.ingest import read_image
from dock2uk.progress import Silent
from dock2uk.secrets import Secret, find, texts
from tests.images import docker_archive, file, hard_link, layer

# Put together here, so that no scanner takes this file for a leak.
GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
AWS = "AKIA" + "QYLPMN5HFIQR7XYZ"
SLACK = "xoxb-" + "123456789012-abcdefGHIJKL"
GOOGLE = "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"
NPM = "npm_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789"
HASH = "$6$" + "aB3dEfGh$" + "aB3dEfGhIj" * 8
DOCKER = "dckr_pat_" + "aB3dEfGhIjKlMnOpQrStUvWxYz_"
VAULT = "hvs." + "CAESIJ7kQ2mZ" * 8
BATCH = "hvb." + "AAAAAQL7kQ2mZ" * 11
ANTHROPIC = "sk-ant-" + "api03-" + "aB3dEfGhIj" * 9 + "xyzAA"
OCEAN = "dop_v1_" + "0123456789abcdef" * 4
AGE = "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA" + "QPZRY9X8GF2TVDW0S3JN54KHCE6M"
OPENAI = "sk-proj-" + "aB3dEfGhIjKlMnOpQrSt" + "T3BlbkFJ" + "uVwXyZ0123456789aBcD"
HUGGING_FACE = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567"
OAUTH = "GOCSPX-" + "aB3dEfGhIj-lMnOpQrStUvWx_z01"
WEBHOOK = "https://hooks.slack.com/services/" + "T0ABCDEFG/B0ABCDEFG/" + "aB3dEfGhIjKlMnOpQrStUvWx"
AZURE = "aB3dEfGhIj" * 8 + "klMnOp=="
STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"


def web_token(**claims: str) -> str:
    said = {"sub": "1234567890"} | claims
    parts = (json.dumps({"alg": "HS256"}), json.dumps(said), "signature-of-it")
    coded = (base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    return ".".join(coded)


def armoured(kind: str, data: bytes, head: str = "") -> str:
    lines = base64.encodebytes(data).decode()
    return f"-----BEGIN {kind}-----\n{head}{lines}-----END {kind}-----\n"


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str, columns: int) -> str:
    """As base64(1) and YAML have it."""
    line = coded(text)
    lines = (line[at : at + columns] for at in range(0, len(line), columns))
    return "key: |\n" + "".join(f"  {one}\n" for one in lines) + "other: value\n"


def openssh(cipher: bytes) -> str:
    fields = b"".join(len(one).to_bytes(4, "big") + one for one in (cipher, b"none", b""))
    return armoured("OPENSSH PRIVATE KEY", b"openssh-key-v1\0" + fields + bytes(64))


@pytest.fixture(scope="module")
def key() -> str:
    command = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def kinds(data: str | bytes) -> list[str]:
    raw = data.encode() if isinstance(data, str) else data
    return [one.kind for one in texts.in_file(io.BytesIO(raw))]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"token: {GITHUB}\n", "a GitHub token"),
        (f"id={AWS};", "an AWS access key"),
        (f'"{SLACK}"', "a Slack token"),
        (f"key={GOOGLE}&q=1", "a Google API key"),
        (f"//registry/:_authToken={NPM}", "an npm token"),
        (STRIPE, "a Stripe key"),
        (f"docker login -p {DOCKER}", "a Docker Hub token"),
        (f"VAULT_TOKEN={VAULT}", "a Vault token"),
        ("hvs." + "aB3dEfGhIjKlMnOpQrStUvWx", "a Vault token"),
        (BATCH, "a Vault token"),
        (f"x-api-key: {ANTHROPIC}", "an Anthropic key"),
        (OCEAN, "a DigitalOcean token"),
        (f"# key\n{AGE}\n", "an age key"),
        (f"OPENAI_API_KEY={OPENAI}", "an OpenAI key"),
        (OPENAI.replace("proj-", ""), "an OpenAI key"),
        (HUGGING_FACE, "a Hugging Face token"),
        (OAUTH, "a Google OAuth client secret"),
        (WEBHOOK, "a Slack webhook"),
        (f"AccountName=x;AccountKey={AZURE};EndpointSuffix=core.windows.net",
         "an Azure storage key"),
        (wrapped(armoured("RSA PRIVATE KEY", b"0" + bytes(640)), 64), "a private key"),
        (wrapped(armoured("RSA PRIVATE KEY", b"0" + bytes(640)), 76), "a private key"),
        (f"client-key-data: {coded(armoured('RSA PRIVATE KEY', b'0' + bytes(64)))}",
         "a private key"),
        (f"Bearer {web_token()}", "a JSON Web Token"),
        ("postgres://admin:tr0ub4dor@db:5432/x", "a password in a URL"),
        (openssh(b"none"), "a private key"),
        (openssh(b"aes256-ctr"), "an encrypted private key"),
        (armoured("PGP PRIVATE KEY BLOCK", b"\x95" + bytes(64)), "a private OpenPGP key"),
        (armoured("RSA PRIVATE KEY", b"\x30" + bytes(64),
                  "Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,00\n\n"),
         "an encrypted private key"),
    ],
)  # fmt: skip
def test_what_has_a_form_is_found(text: str, kind: str) -> None:
    assert kinds(text) == [kind]
    assert kinds(b"\x7fELF\0" + text.encode() + b"\0") == [kind]  # in a program too


@pytest.mark.parametrize("before", ["", "x", "u:", "token="])
def test_a_token_in_base64_is_found_in_a_text(before: str) -> None:
    assert kinds(f"auth: {coded(before + GITHUB)}\n") == ["a GitHub token"]


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "IOSFODNN7EXAMPLE",  # AWS' documentation
        "ghp_" + "x" * 36,
        "ghp_tooshort",
        DOCKER[:-1],
        "hvs.numberOfTheFirstHandler0",  # a name
        "hvs.numberOfTheFirstHandler",
        BATCH[:100],
        "sk-ant-api03-...",
        "sk-ant-api03-" + "x" * 95,
        OCEAN[:-1],
        OCEAN.replace("a", "g"),
        AGE[:-1],
        AGE.replace("Q", "B"),  # no letter of Bech32
        f"certificate-authority-data: {coded(armoured('CERTIFICATE', b'0' + bytes(64)))}",
        f"client-key-data: {coded(armoured('PRIVATE KEY', b'1' + bytes(64)))}",
        OPENAI.replace("T3Blbk", "T3Blbl"),
        HUGGING_FACE[:-1],
        OAUTH[:-1],
        WEBHOOK[:-10],
        "https://hooks.slack.com/services/" + "T00000000/B00000000/" + "X" * 24,  # Slack's own
        f"AccountKey={'A' * 86}==",
        coded("ghp_" + "x" * 36),
        coded("ghp_tooshort and more of it, which is longer than a token would be"),
        web_token(name="John Doe"),  # of https://jwt.io
        "xoxb-your-token-here",
        "mysql://root:root@localhost",
        "postgres://postgres:postgres@db/x",
        "redis://:changeme@h",
        "amqp://guest:guest@rabbit/",
        "ftp://anonymous:anonymous@h/",
        "https://user:your_password@host",
        "https://oauth2:TOKEN@gitlab.com",
        "http://u:MYPASSWORD@h",
        "https://x:{token}@h",
        "https://u:%s@h",
        f"A{GITHUB}",  # within a longer word
        "https://user:password@example.com/",
        "https://$USER:$PASS@host/",
        "https://host/a:b@c",
        "mail me: me@example.com",
        "eyJub3QganNvbg.eyJub3QganNvbg.c2lnbmF0dXJl",
        "-----BEGIN PRIVATE KEY-----\nyour key here\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----",
        armoured("CERTIFICATE", b"\x30" + bytes(64)),
        armoured("PUBLIC KEY", b"\x30" + bytes(64)),
        armoured("PRIVATE KEY", b"\x31" + bytes(64)),
    ],
)
def test_what_is_no_secret_is_not_taken_for_one(text: str) -> None:
    assert kinds(text) == []


def test_a_key_of_openssl_is_found_with_its_line_and_digest(key: str) -> None:
    (found,) = texts.in_file(io.BytesIO(f"# a comment\n\n{key}".encode()))
    digest = hashlib.sha256(key.strip().encode()).hexdigest()[:12]
    assert (found.kind, found.place, found.digest) == ("a private key", "line 3", digest)


@pytest.mark.parametrize("offset", [-40, -20, -1, 0, 1, 20])
def test_a_secret_where_pieces_meet_is_found_once(
    offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "_PIECE_BYTES", 1 << 16)
    before = b"\n" * ((1 << 16) + offset)
    data = before + GITHUB.encode() + b"\n" * (1 << 17) + AWS.encode()
    found = list(texts.in_file(io.BytesIO(data)))
    lines = [len(before) + 1, len(before) + 1 + (1 << 17)]
    assert [one.place for one in found] == [f"line {line}" for line in lines]


@pytest.fixture
def found(tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Secret, ...]:
    """Of an image in which sixteen secrets are planted."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lower = layer(
        file("etc/ssh/ssh_host_rsa_key", key.encode(), 0o600),
        file(
            "root/.aws/credentials", b"[default]\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG\n"
        ),
        file("root/.netrc", b"machine host login me password c0rrect-horse\n"),
        file("root/deploy.key", openssh(b"none").encode()),
        file("srv/settings.py", f"TOKEN = '{GITHUB}'\n".encode()),
        hard_link("srv/again.py", "srv/settings.py"),
        file("app/config", f"key {GOOGLE}".encode()),
        file("srv/htpasswd", f"admin:{HASH}\nbin:*\n".encode()),
        file("srv/.git/HEAD", b"ref: refs/heads/main\n"),
    )
    upper = layer(file("root/.wh.deploy.key"), file("app/config", b"no key"), file("app/run"))
    env = ["PATH=/bin", "API_TOKEN=abc123def", "DB=postgres://u:s3cr3t!@db/x", "TOKEN_FILE=/t"]
    labels = {"build": f"by {SLACK}", "version": "1"}
    history = [
        {"created_by": "COPY . /"},
        {"created_by": "RUN |1 NPM_TOKEN=0123456789abc /bin/sh -c make", "empty_layer": True},
        {"created_by": f"ARG KEY={AWS}", "empty_layer": True},
        {"created_by": "RUN rm /root/deploy.key"},
        {"created_by": "RUN curl -u admin:c0rrect-horse https://x/", "empty_layer": True},
    ]
    docker = {
        "Healthcheck": {"Test": ["CMD-SHELL", "redis-cli -a c0rrect-horse2 ping"]},
        "OnBuild": ["ENV A=b", "RUN x --api-key c0rrect-horse3"],
    }
    path = docker_archive(
        tmp_path / "image.tar", (lower, upper), history=history, Env=env, Labels=labels, **docker
    )
    return find(read_image(f"docker-archive:{path}", Silent()))


def test_every_planted_secret_is_found_at_its_place(found: tuple[Secret, ...]) -> None:
    assert [(one.kind, one.place, one.layer, one.is_hidden) for one in found] == [
        ("an SSH host key", "/etc/ssh/ssh_host_rsa_key, line 1", 0, False),
        ("a value named aws_secret_access_key", "/root/.aws/credentials, line 2", 0, False),
        ("a password of .netrc", "/root/.netrc, line 1", 0, False),
        ("a GitHub token", "/srv/again.py, line 1", 0, False),
        ("a password hash", "/srv/htpasswd, line 1", 0, False),
        ("a git repository, its history with it", "/srv/.git", 0, False),
        ("a value whose name says so", "ENV API_TOKEN", None, False),
        ("a password in a URL", "ENV DB", None, False),
        ("a Slack token", "LABEL build", None, False),
        ("a value named NPM_TOKEN", "history entry 2", None, True),
        ("an AWS access key", "history entry 3", None, True),
        ("a password of a command", "history entry 5", None, True),
        ("a value named api-key", "ONBUILD 2", None, True),
        ("a password of a command", "HEALTHCHECK", None, False),
        ("a private key",
         "/root/deploy.key of layer 0, line 1, deleted or replaced in layer 1", 0, True),
        ("a Google API key",
         "/app/config of layer 0, line 1, deleted or replaced in layer 1", 0, True),
    ]  # fmt: skip


def test_no_value_is_kept(found: tuple[Secret, ...]) -> None:
    told = repr(found)
    words = ("abc123def", "s3cr3t", "c0rrect", "wJalr", "0123456789abc")
    assert not [value for value in (GITHUB, AWS, SLACK, GOOGLE, HASH, *words) if value in told]


def test_a_token_of_a_kubeconfig_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text = b"users:\n- name: a\n  user:\n    token: aB3dEfGhIjKl\n"
    path = docker_archive(tmp_path / "image.tar", (layer(file("root/.kube/config", text)),))
    (one,) = find(read_image(f"docker-archive:{path}", Silent()))
    assert (one.kind, one.place) == ("a value named token", "/root/.kube/config, line 4")


def test_the_digest_is_of_the_secret_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that one in a variable and the same in a file are seen to be one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    env = [
        "DB=postgres://u:s3cr3t!@db/x",
        "JAVA_OPTS=-Xmx1g -DdbPassword=s3cr3t!",
        "PASSWORD=s3cr3t!",
    ]
    path = docker_archive(tmp_path / "image.tar", (layer(file("app")),), Env=env)
    found = find(read_image(f"docker-archive:{path}", Silent()))
    assert [one.place for one in found] == ["ENV DB", "ENV JAVA_OPTS", "ENV PASSWORD"]
    assert {one.digest for one in found} == {hashlib.sha256(b"s3cr3t!").hexdigest()[:12]}


@pytest.mark.parametrize(
    "value", ["changeme", "change-me", "<your-password>", "your-password", "${VAR}", "$VAR", "xxx"]
)
def test_what_stands_for_a_password_is_none(value: str) -> None:
    assert list(texts.in_settings(f"password = {value}\n")) == []
