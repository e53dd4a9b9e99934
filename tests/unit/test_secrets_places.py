"""Secrets that a name tells of, by the files that they are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from dock2uk.ingest import read_image
from dock2uk.model import Package
from dock2uk.progress import Silent
from dock2uk.secrets import find
from tests.images import docker_archive, file, layer

VALUE = "tr0ub4dor&3x"
LONG = "aB3dEfGhIjKlMnOpQrSt"
HASH = "$apr1$" + "aB3dEfGh$" + "aB3dEfGhIjKlMnOpQrStUv"


def found_in(
    path: str, text: str, monkeypatch: pytest.MonkeyPatch, where: Path, *, mode: int = 0o644,
    packages: tuple[Package, ...] = (),
) -> list[tuple[str, str]]:  # fmt: skip
    monkeypatch.setenv("XDG_CACHE_HOME", str(where / "cache"))
    entry = file(path.removeprefix("/"), text.encode(), mode)
    archive = docker_archive(where / "image.tar", (layer(entry),))
    found = find(read_image(f"docker-archive:{archive}", Silent()), packages)
    assert VALUE not in repr(found)
    return [(one.kind, one.place) for one in found]


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("/app/deploy.sh", f"export AWS_SECRET_ACCESS_KEY={LONG}", "AWS_SECRET_ACCESS_KEY"),
        ("/etc/environment", f"DB_PASSWORD={VALUE}", "DB_PASSWORD"),
        ("/etc/default/app", f'DB_PASSWORD="{VALUE}"', "DB_PASSWORD"),
        ("/app/settings.py", f"SECRET_KEY = '{VALUE}'", "SECRET_KEY"),
        ("/app/settings.py", f"DATABASES={{'default':{{'PASSWORD': '{VALUE}'}}}}", "PASSWORD"),
        ("/app/db.py", f"connect('db', password='{VALUE}')", "password"),
        ("/app/config.js", f"const apiKey = '{VALUE}';", "apiKey"),
        ("/app/azure.env", f"AZURE_CLIENT_SECRET={VALUE}", "AZURE_CLIENT_SECRET"),
        ("/app/app.ini", f"token = {LONG}", "token"),
        ("/app/app.ini", "pass = LgOQwPxTrnRZbk", "pass"),  # letters without any order
        ("/app/appsettings.json", f'"Sql":"Server=x;User ID=sa;Password={VALUE};"', "Password"),
        ("/etc/rancher/k3s/k3s.yaml", "    token: K10abcdef", "token"),
        ("/root/.config/rclone/rclone.conf", "pass = horse-7battery", "pass"),
    ],
)
def test_it_is_found_by_its_name(
    path: str, text: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = found_in(path, f"# x\n{text}\n", monkeypatch, tmp_path)
    assert found == [(f"a value named {kind}", f"{path}, line 2")]


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("/root/.bash_history", f"mysql -u root -p{VALUE} db", "a password of a command"),
        ("/root/.ash_history", f'curl -H "Authorization: Bearer {LONG}"', "a token in a header"),
        ("/app/.npmrc", "//reg.corp/:_auth=dTpwYXNzdzByZA==", "a password of .npmrc"),
        ("/srv/.htpasswd", f"admin:{HASH}", "a password hash"),
        ("/srv/htpasswd", "admin:{SHA}0DPiKuNIrrVmD8IUCuw1hQxNqZc=", "a password hash"),
    ],
)
def test_it_is_found_without_one(
    path: str, text: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = found_in(path, f"{text}\n", monkeypatch, tmp_path)
    assert found == [(kind, f"{path}, line 1")]


def test_an_executable_is_a_script_by_its_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"#!/bin/sh\nDB_PASSWORD={VALUE} exec app\n"
    found = found_in("/entry", text, monkeypatch, tmp_path, mode=0o755)
    assert found == [("a value named DB_PASSWORD", "/entry, line 2")]
    assert not found_in("/entry", text, monkeypatch, tmp_path)
    assert not found_in("/entry", text.replace("/sh", "/x"), monkeypatch, tmp_path, mode=0o755)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/app/.env.example", f"DB_PASSWORD={VALUE}"),
        ("/app/.env.sample", f"DB_PASSWORD={VALUE}"),
        ("/app/.env.template", f"DB_PASSWORD={VALUE}"),
        ("/app/.env.dist", f"DB_PASSWORD={VALUE}"),
        ("/app/examples-1.json", f'{{"password": "{VALUE}"}}'),
        ("/app/a.json", '{"PurchaseToken": "eyJ2IjoiMSIsInMiOjEsImMiOi..."}'),
        ("/app/config.example.yaml", f"password: {VALUE}"),
        ("/app/.env", "DB_PASSWORD=secret"),
        ("/app/.env", "SECRET_KEY=replace_me"),
        ("/app/i18n.json", '{"forgotPassword":"Forgot2","newPassword":"Passwort2"}'),
        ("/app/locales/de.json", '{"newPassword":"Passwort2"}'),
        ("/app/openapi.yaml", "  apiKey: apiKey1Header"),
        ("/app/code.py", "password = get_password(key1)"),
        ("/app/code.py", "PASSWORD = Passw0rd1"),  # a name of something
        ("/app/code.js", "var token = 'id1234'; x(apiKey, 'a1b2c3')"),
        ("/app/code.py", "def key(private_key: '_RSAPrivateKey', data)"),
        ("/app/code.py", "ACCESS_KEY = 'AWSAccessKeyId'"),
        ("/app/tests/x.py", f"PASSWORD = '{VALUE}'"),
        ("/app/test_x.py", f"PASSWORD = '{VALUE}'"),
        ("/app/x.spec.js", f"const password = '{VALUE}';"),
        ("/app/code.js", "secretKeyRef: 'a1b2c3d4'"),
        ("/app/run.sh", f"# DB_PASSWORD={VALUE}"),
        ("/app/run.sh", 'DB_PASSWORD="${1:?}"; TOKEN=$(cat x1)'),
        ("/srv/htpasswd", "wheel:*\nroot:!"),
        ("/etc/shadow-", f"root:{HASH}:1:0:9:7:::"),
        ("/srv/notes.txt", f"DB_PASSWORD={VALUE}"),
    ],
)
def test_what_is_near_one_is_none(
    path: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found_in(path, f"{text}\n", monkeypatch, tmp_path) == []


@pytest.mark.parametrize("path", ["/app/x.sh", "/app/x.py", "/etc/default/x"])
def test_what_a_package_brought_is_not_judged_by_names(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = (Package("x", "1", "x", (path,), ecosystem="deb"),)
    text = f"PASSWORD='{VALUE}'\n"
    assert found_in(path, text, monkeypatch, tmp_path, packages=brought) == []
    assert len(found_in(path, text, monkeypatch, tmp_path)) == 1
