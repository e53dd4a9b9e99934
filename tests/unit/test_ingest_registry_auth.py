"""Who may read, and who is told the password: challenges, tokens, and where credentials are kept.

The registry is 127.0.0.1 and a foreign host is `localhost`: different names, one machine.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dock2uk.errors import SourceError
from dock2uk.ingest import read_image
from dock2uk.ingest.registry import authorization, credentials
from dock2uk.ingest.registry.challenge import Challenge, parse
from dock2uk.ingest.registry.credentials import Credentials
from dock2uk.model import Image
from dock2uk.progress import Silent
from tests import registries
from tests.images import file, layer
from tests.registries import Registry, Reply, Request

LAYERS = [layer(file("a", b"first"))]
SECRET = "pass:word"
BASIC = "Basic " + base64.b64encode(f"user:{SECRET}".encode()).decode()


def pull(registry: Registry, name: str = "app") -> Image:
    return read_image(f"docker://{registry.address}/{name}", Silent())


def log_in(places: Path, key: str, **entry: str) -> None:
    """As `skopeo login` leaves it."""
    path = places / "xdg_config_home/containers/auth.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = json.loads(path.read_text()) if path.exists() else {"auths": {}}
    packed = base64.b64encode(f"user:{SECRET}".encode()).decode()
    document["auths"][key] = entry or {"auth": packed}
    path.write_text(json.dumps(document))


def demand(registry: Registry, challenge: str, accepted: str) -> None:
    """Every request without the right header is met with 401."""

    def guard(request: Request) -> Reply:
        if request.headers.get("authorization") == accepted:
            return Reply()
        return Reply(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {"WWW-Authenticate": challenge})

    registry.guard = guard


@pytest.fixture
def tokens(own_places: Path) -> Iterator[Registry]:
    """A token server at the registry's own host."""
    with registries.registry() as served:
        served.serve("/token", b'{"token": "T1", "expires_in": 60}', "application/json")
        yield served


@pytest.fixture
def foreign(own_places: Path) -> Iterator[Registry]:
    """A token server at another host."""
    with registries.registry("localhost") as served:
        served.serve("/token", b'{"access_token": "T2"}', "application/json")
        yield served


def bearer(server: Registry, more: str = ',service="s",scope="repository:app:pull"') -> str:
    return f'Bearer realm="http://{server.address}/token"{more}'


# ------------------------------------------------------------------ basic


def test_basic_credentials_are_given_when_asked_for(registry: Registry, own_places: Path) -> None:
    registry.put_image("app", LAYERS)
    log_in(own_places, registry.address)
    demand(registry, 'Basic realm="x"', BASIC)
    assert pull(registry).tree.get("/a") is not None
    refused = [one for one in registry.requests if "authorization" not in one.headers]
    assert len(refused) == 1


def test_without_credentials_a_401_says_how_to_log_in(registry: Registry) -> None:
    demand(registry, 'Basic realm="x"', BASIC)
    with pytest.raises(SourceError, match="UNAUTHORIZED") as caught:
        pull(registry)
    assert f"skopeo login {registry.address}" in str(caught.value.hint)


def test_wrong_credentials_are_given_once(registry: Registry, own_places: Path) -> None:
    log_in(own_places, registry.address)
    demand(registry, 'Basic realm="x"', "Basic other")
    with pytest.raises(SourceError) as caught:
        pull(registry)
    assert len(registry.asked("/manifests/")) == 2
    assert SECRET not in f"{caught.value} {caught.value.hint}"


# ------------------------------------------------------------------ tokens


def query_of(request: Request) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.path).query)


def test_a_token_is_fetched_once_for_all_requests(registry: Registry, tokens: Registry) -> None:
    registry.put_image("app", LAYERS)
    demand(registry, bearer(tokens), "Bearer T1")
    pull(registry)
    (asked,) = tokens.asked("/token")
    assert query_of(asked) == {"service": ["s"], "scope": ["repository:app:pull"]}
    assert "authorization" not in asked.headers


def test_the_right_to_read_is_all_that_is_asked_for(registry: Registry, tokens: Registry) -> None:
    registry.put_image("app", LAYERS)
    demand(registry, bearer(tokens, ',scope="repository:app:pull,push,delete"'), "Bearer T1")
    pull(registry)
    assert query_of(tokens.asked("/token")[0])["scope"] == ["repository:app:pull"]
    demand(registry, bearer(tokens, ',scope="registry:catalog:*"'), "Bearer T1")
    pull(registry)
    assert query_of(tokens.asked("/token")[1])["scope"] == ["repository:app:pull"]


def test_a_token_that_ran_out_is_renewed(registry: Registry, tokens: Registry) -> None:
    registry.put_image("app", LAYERS)
    numbers = iter(range(1, 100))
    tokens.acts["/token"] = lambda _: Reply(body=b'{"token": "T%d"}' % next(numbers))
    demand(registry, bearer(tokens), "Bearer T1")
    manifest = registry.acts["/v2/app/manifests/latest"]

    def expiring(request: Request) -> Any:
        demand(registry, bearer(tokens), "Bearer T2")
        return manifest(request)

    registry.acts["/v2/app/manifests/latest"] = expiring
    pull(registry)
    assert len(tokens.asked("/token")) == 2


def test_a_token_that_is_always_refused_ends_it(registry: Registry, tokens: Registry) -> None:
    numbers = iter(range(100))
    tokens.acts["/token"] = lambda _: Reply(body=b'{"token": "T%d"}' % next(numbers))
    demand(registry, bearer(tokens), "Bearer never")
    with pytest.raises(SourceError, match="not for us to read"):
        pull(registry)
    assert len(tokens.asked("/token")) <= 3


def test_credentials_go_to_the_registry_s_own_realm(
    registry: Registry, tokens: Registry, own_places: Path
) -> None:
    registry.put_image("app", LAYERS)
    log_in(own_places, registry.address)
    demand(registry, bearer(tokens), "Bearer T1")
    pull(registry)
    assert tokens.asked("/token")[0].headers["authorization"] == BASIC
    assert all(one.headers.get("authorization") != BASIC for one in registry.requests)


def test_credentials_do_not_go_to_a_realm_elsewhere(
    registry: Registry, foreign: Registry, own_places: Path
) -> None:
    registry.put_image("app", LAYERS)
    log_in(own_places, registry.address)
    demand(registry, bearer(foreign), "Bearer T2")
    pull(registry)  # who needs none is served
    foreign.acts["/token"] = lambda _: Reply(401)
    demand(registry, bearer(foreign), "Bearer other")
    with pytest.raises(SourceError, match="no token") as caught:
        pull(registry)
    assert f"do not go to {foreign.address}" in str(caught.value.hint)
    assert not [one for one in foreign.requests if "authorization" in one.headers]


def test_credentials_kept_for_the_realm_itself_go_there(
    registry: Registry, foreign: Registry, own_places: Path
) -> None:
    registry.put_image("app", LAYERS)
    log_in(own_places, foreign.address)
    demand(registry, bearer(foreign), "Bearer T2")
    pull(registry)
    assert foreign.asked("/token")[0].headers["authorization"] == BASIC


def test_an_identity_token_is_exchanged(
    registry: Registry, tokens: Registry, own_places: Path
) -> None:
    registry.put_image("app", LAYERS)
    log_in(own_places, registry.address, auth="", identitytoken="I1")
    demand(registry, bearer(tokens), "Bearer T1")
    pull(registry)
    (asked,) = tokens.asked("/token")
    form = parse_qs(asked.body.decode())
    assert (asked.method, form["grant_type"], form["refresh_token"]) == (
        "POST", ["refresh_token"], ["I1"],
    )  # fmt: skip
    assert "authorization" not in asked.headers


@pytest.mark.parametrize(
    "realm",
    [
        "ftp://127.0.0.1/token", "file:///etc/passwd", "//127.0.0.1/token", "token", "",
        "http://user:pw@127.0.0.1/token", "http://", "http://[::1/token", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_a_realm_that_is_none_is_refused(registry: Registry, realm: str) -> None:
    demand(registry, f'Bearer realm="{realm}"', "Bearer T1")
    with pytest.raises(SourceError, match="nothing was sent there"):
        pull(registry)


class Verified:
    """A transport to a registry with TLS; nothing may be sent in these tests."""

    def is_insecure(self, host: str) -> bool:
        return False


def realm_of(url: str, host: str = "registry.example.com") -> authorization.Realm:
    one = authorization.Authorization(Verified(), host, host, "app")  # type: ignore[arg-type]
    return one._realm(Challenge("bearer", {"realm": url}))


def test_a_registry_with_tls_may_not_send_for_a_token_without() -> None:
    with pytest.raises(SourceError, match="not https"):
        realm_of("http://registry.example.com/token")
    assert realm_of("https://registry.example.com/token").is_trusted


@pytest.mark.parametrize(
    ("registry", "realm", "is_trusted"),
    [
        ("registry-1.docker.io", "auth.docker.io", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("example.com:5000", "auth.example.com", True),
        ("registry.example.com", "registry.example.com:8443", True),
        ("registry.example.com", "gitlab.example.com", False),
        ("registry.example.com", "evil.com", False),
        ("example.com", "notexample.com", False),
        ("example.com", "example.com.evil.net", False),
        ("registry-1.docker.io", "docker.io.evil.net", False),
        ("registry", "evil.registry", False),
        ("ghcr.io", "io", False),
    ],
)
def test_whose_realm_it_is_goes_by_the_names(registry: str, realm: str, is_trusted: bool) -> None:
    assert realm_of(f"https://{realm}/token", registry).is_trusted is is_trusted


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"token": ""}', b'{"token": 5}', b'{"token": "a\\r\\nX: y"}',
        b'{"token": "a b"}', b"<html>", b'{"token": "' + b"x" * (65 << 10) + b'"}',
        '{"token": "\u00e9"}'.encode(),
    ],
)  # fmt: skip
def test_a_token_that_is_none_is_refused(registry: Registry, tokens: Registry, body: bytes) -> None:
    tokens.acts["/token"] = lambda _: Reply(body=body)
    demand(registry, bearer(tokens), "Bearer T1")
    with pytest.raises(SourceError, match="token"):
        pull(registry)


def test_challenges_are_read_as_the_rfc_has_them() -> None:
    """RFC 9110 § 11.6.1: several in one header, quoted strings with commas and quotes."""
    text = 'Newauth realm="a, \\"b\\"", type=1, title="x", Basic realm="simple", Negotiate'
    assert parse([text, "Bearer"]) == (
        Challenge("newauth", {"realm": 'a, "b"', "type": "1", "title": "x"}),
        Challenge("basic", {"realm": "simple"}),
        Challenge("negotiate"),
        Challenge("bearer"),
    )
    assert parse(['bearer REALM = "u" , scope=a']) == (
        Challenge("bearer", {"realm": "u", "scope": "a"}),
    )
    assert parse(["", "=", '"', 'Bearer realm="unended']) == (Challenge("bearer"),)
    assert parse(["a=" * 100_000]) == ()


# ------------------------------------------------------------------ where credentials are kept


def packed(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def test_files_are_read_in_order(own_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        own_places / "home/.docker/config.json",
        own_places / "xdg_config_home/containers/auth.json",
        own_places / "xdg_runtime_dir/containers/auth.json",
    ]
    assert credentials.find("example.com", "app") is None
    for number, path in enumerate(files):
        write(path, {"auths": {"example.com": packed(f"user:{number}")}})
        assert credentials.find("example.com", "app") == Credentials("user", str(number))
    monkeypatch.setenv("DOCKER_CONFIG", str(own_places / "d"))
    write(own_places / "d/config.json", {"auths": {"other.com": packed("o:p")}})
    assert credentials.find("other.com", "app") == Credentials("o", "p")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(own_places / "none.json"))
    assert credentials.find("example.com", "app") is None


def test_the_longest_namespace_wins(own_places: Path) -> None:
    auths = {
        "example.com": packed("host:p"),
        "example.com/team": packed("team:p"),
        "example.com/team/app": packed("app:p"),
        "https://index.docker.io/v1/": packed("hub:p"),
        "https://old.example.net/v1/": packed("old:p"),
    }
    write(own_places / "home/.docker/config.json", {"auths": auths})
    for registry, repository, user in (
        ("example.com", "team/app", "app"),
        ("example.com", "team/other", "team"),
        ("example.com", "teamwork", "host"),
        ("docker.io", "library/nginx", "hub"),
        ("old.example.net", "x", "old"),
    ):
        found = credentials.find(registry, repository)
        assert found is not None
        assert found.user == user
    assert credentials.find("example.com:5000", "team/app") is None


def helper(places: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """docker-credential-test, and where it notes what it was asked."""
    path = places / "bin/docker-credential-test"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\ncat > {places}/asked\necho "$@" >> {places}/asked\n{script}\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent), prepend=":")
    return places / "asked"


def test_a_helper_is_asked_for_its_registry(
    own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = helper(own_places, monkeypatch, """echo '{"Username":"u","Secret":"s"}'""")
    config = own_places / "home/.docker/config.json"
    write(config, {"credHelpers": {"example.com": "test"}, "auths": {"example.com": packed("a:b")}})
    assert credentials.find("example.com", "app") == Credentials("u", "s")
    assert asked.read_text() == "example.comget\n"
    write(config, {"credsStore": "test", "auths": {"docker.io": {}}})
    assert credentials.find("docker.io", "library/nginx") == Credentials("u", "s")
    assert asked.read_text() == "https://index.docker.io/v1/get\n"


def test_a_helper_may_have_a_token_or_nothing(
    own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(own_places / "home/.docker/config.json", {"credsStore": "test"})
    helper(own_places, monkeypatch, """echo '{"Username":"<token>","Secret":"s"}'""")
    assert credentials.find("example.com", "app") == Credentials(identity_token="s")
    helper(own_places, monkeypatch, "echo credentials not found in native keychain; exit 1")
    assert credentials.find("example.com", "app") is None
    helper(own_places, monkeypatch, "echo locked >&2; exit 1")
    with pytest.raises(SourceError, match="locked"):
        credentials.find("example.com", "app")
    helper(own_places, monkeypatch, f"echo {SECRET}")
    with pytest.raises(SourceError, match="no JSON") as caught:
        credentials.find("example.com", "app")
    assert SECRET not in str(caught.value)


def test_a_helper_that_is_no_helper_is_refused(own_places: Path) -> None:
    config = own_places / "home/.docker/config.json"
    for name in ("../../bin/sh", "a/b", "-x", "", 5):
        write(config, {"credHelpers": {"example.com": name}})
        with pytest.raises(SourceError, match="not the name"):
            credentials.find("example.com", "app")
    write(config, {"credsStore": "absent-helper"})
    with pytest.raises(SourceError, match="not installed") as caught:
        credentials.find("example.com", "app")
    assert str(config) in str(caught.value.hint)


def test_a_file_that_is_broken_is_named_and_not_quoted(own_places: Path) -> None:
    config = own_places / "home/.docker/config.json"
    config.parent.mkdir(parents=True)
    for text in ('{"auths": "hunter2', '{"auths": {"example.com": {"auth": "hunter2"}}}'):
        config.write_text(text)
        with pytest.raises(SourceError, match=r"config\.json") as caught:
            credentials.find("example.com", "app")
        assert "hunter2" not in str(caught.value)
    config.write_text('{"auths": {"example.com": []}, "credHelpers": 5}')
    assert credentials.find("example.com", "app") is None


def test_secrets_are_in_no_representation() -> None:
    assert SECRET not in repr(Credentials("user", SECRET, SECRET))
