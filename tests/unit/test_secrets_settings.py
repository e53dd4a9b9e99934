"""Passwords in any file of settings, unless a package brought it; what is near one is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import SupportsIndex

import pytest

from dock2uk.ingest import read_image
from dock2uk.model import Package
from dock2uk.progress import Silent
from dock2uk.secrets import find, general_settings, texts
from tests.images import docker_archive, file, layer

VALUE = "tr0ub4dor&3x"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"db_password = {VALUE}", "db_password"),
        (f"[a]\nPASSWORD={VALUE}\r\n", "PASSWORD"),
        (f"spring.datasource.password={VALUE}", "spring.datasource.password"),
        (f"  clientSecret: '{VALUE}'  # of the client", "clientSecret"),
        (f'- api-key: "{VALUE}"', "api-key"),
        (f'{{"user":"a","password":"{VALUE}","x":1}}', "password"),
        (f'{{"apiKey": "{VALUE}"}}', "apiKey"),
        (f'secret_key = "{VALUE}"', "secret_key"),
        (f"export AUTH_TOKEN={VALUE}", "AUTH_TOKEN"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key"),
        ("passwd = 481623", "passwd"),
        ("password: tr0ub4dor_3x", "password"),
        ("private_key: aGVsbG8gd29ybGQhISEhIQ==", "private_key"),
        ("password: Corre-Horse!", "password"),
    ],
)
def test_a_password_is_found_by_its_name(text: str, name: str) -> None:
    (found,) = general_settings.in_settings(f"# settings\n{text}\n")
    line = 2 + text.partition(name)[0].count("\n")
    assert (found.kind, found.place) == (f"a value named {name}", f"line {line}")


@pytest.mark.parametrize(
    "value",
    [
        "", "12345", "true", "null", "string", "Passwort", "hunter", "aaaa11111",
        "${DB_PASSWORD1}", "$DB_PASSWORD1", "a${X1}b234", "{{ vault_pw1 }}", "<%= pw_1234 %>",
        "%(db_pw1)s", "<password1>", "@db.pass1@", "__PASSWORD_1__", "!vault_1234", "*anchor_12",
        "DB_PASSWORD_1", "process.env.PASS1", "env:PASSWORD1", "ENC(aB3dEfGh)", "get_pw(1234)",
        "/run/secrets/pw1", "./keys/a1b2.pem", "server1234.key", "file:pw1234", "vault:kv1/pw",
        "https://host1/secret2", "my-app-secret2", "app.security.v1", "scram-sha-256", "base64",
        "oauth2", "changeme123", "your-password-1", "example1234", "xxxxxxxx1",
        "Geben Sie 1 Passwort ein",
    ],
)  # fmt: skip
def test_what_stands_for_one_is_none(value: str) -> None:
    texts = f"password = {value}\n", f'password: "{value}"\n', f'{{"password": "{value}"}}'
    assert [list(general_settings.in_settings(text)) for text in texts] == [[], [], []]


@pytest.mark.parametrize(
    "text",
    [
        f"# password = {VALUE}",
        f"; password = {VALUE}",
        f"// password: {VALUE}",
        f"password_file = {VALUE}",
        f"password_encryption = {VALUE}",
        f"compassword = {VALUE}",
        f"token = {VALUE}",
        f"password_policy:\n  {VALUE}",
        f"help: the password = {VALUE}",
        'password = "ghp_' + '16C7e42F292c6912E7710c838347Ae178B4a"',  # has a form
        f'{{"password": {{"value": "{VALUE}"}}}}',
        f'password = "{VALUE}',
    ],
)
def test_what_is_near_an_assignment_is_none(text: str) -> None:
    assert list(general_settings.in_settings(text)) == []


@pytest.mark.parametrize("find_in", [general_settings.in_settings, texts.in_settings])
def test_each_line_of_a_large_file_is_counted_once(
    find_in: Callable[[str], Iterator[texts.Found]],
) -> None:
    counted: list[int] = []

    class Text(str):
        def count(self, sub: str, *between: SupportsIndex | None) -> int:
            start, end = (int(one) for one in between if one is not None)
            counted.append(end - start)
            return super().count(sub, start, end)

    text = Text(f"\npassword = {VALUE}" * 500)
    assert [one.place for one in find_in(text)] == [f"line {line}" for line in range(2, 502)]
    assert sum(counted) <= len(text)


def test_a_file_of_a_package_is_not_judged_by_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text = f"password = {VALUE}\n".encode()
    key = b"key = AKIA" + b"QYLPMN5HFIQR7XYZ\n"
    names = ("app/a.ini", "app/a.py", "app/.env", "etc/b.conf", "app/node_modules/x/c.json")
    large = file("app/large.ini", text + b"\n" * (1 << 20))
    path = docker_archive(
        tmp_path / "image.tar", (layer(large, *(file(name, text + key) for name in names)),)
    )
    packages = (
        Package("b", "1", "b", ("/etc/b.conf",), ecosystem="deb"),
        Package("x", "1", "x", ("/app/node_modules/x/c.json",), ecosystem="npm"),
    )
    found = find(read_image(f"docker-archive:{path}", Silent()), packages)
    named = [one.path for one in found if one.kind == "a value named password"]
    assert named == ["/app/.env", "/app/a.ini"]
    assert {one.path for one in found if one.kind == "an AWS access key"} == {
        f"/{name}" for name in names
    }
    assert VALUE not in repr(found)
