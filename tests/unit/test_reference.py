"""What users type for an image: docker's and skopeo's grammar, and what a typo is met with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dock2uk.errors import Dock2ukError, SourceError
from dock2uk.ingest.platform import Platform, parse_platform
from dock2uk.ingest.reference import Kind, Name, is_image_id, parse_name, parse_source

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("bitnami/nginx", "docker.io/bitnami/nginx:latest"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
        (f"nginx:1.27@{DIGEST}", f"docker.io/library/nginx:1.27@{DIGEST}"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/library/nginx", "docker.io/library/nginx:latest"),
        ("ghcr.io/a/b:c", "ghcr.io/a/b:c"),
        ("ghcr.io/nginx", "ghcr.io/nginx:latest"),
        ("localhost/x", "localhost/x:latest"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        ("127.0.0.1:5000/x:y", "127.0.0.1:5000/x:y"),
        ("[::1]:5000/x", "[::1]:5000/x:latest"),
        ("registry:5000/a/b/c/d:T_a.g-1", "registry:5000/a/b/c/d:T_a.g-1"),
        ("GHCR.io/a/b", "ghcr.io/a/b:latest"),
        ("localhost", "docker.io/library/localhost:latest"),
        ("a__b/c--d/e.f", "docker.io/a__b/c--d/e.f:latest"),
        ("docker:27", "docker.io/library/docker:27"),
    ],
)
def test_names_are_docker_s(text: str, full: str) -> None:
    assert str(parse_name(text)) == full


def test_a_name_is_asked_for_by_its_digest_first() -> None:
    assert parse_name(f"nginx:1.27@{DIGEST}").version == DIGEST
    assert parse_name("nginx").version == "latest"
    assert parse_name("ghcr.io/a/b:c") == Name("ghcr.io", "a/b", "c")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Nginx", "nginx"),
        ("ghcr.io/Owner/Image:1", "ghcr.io/owner/image:1"),
        ("nginx:", "nginx:latest"),
        ("nginx:a b", "a tag has"),
        ("nginx:" + "x" * 129, "at most 128"),
        ("nginx@sha256:12", "64 hexadecimal"),
        ("nginx@md5:" + "0" * 32, "64 hexadecimal"),
        ("web/nginx:8080/x", "HOST:PORT/NAME"),
        ("ghcr.io/", "NAME:TAG"),
        ("-nginx", "components"),
        ("a..b", "components"),
        ("a//b", "components"),
        ("../../etc/passwd", "HOST[:PORT]/NAME"),
        ("nginx/", "components"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_is_met_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_name(text)
    assert hint in f"{caught.value.hint} {caught.value.message}"


@pytest.mark.parametrize(
    "text",
    ["a" * 256, "ex_ample.com/x", "a:b:c/x", "nginx\n", "ng\u0131nx", "nginx:\uff11", "[::1/x"],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(SourceError):
        parse_name(text)


@pytest.mark.parametrize(
    ("text", "kind", "location"),
    [
        ("nginx:latest", Kind.NAMED, "nginx:latest"),
        ("docker:dind", Kind.NAMED, "docker:dind"),
        ("docker://nginx", Kind.REGISTRY, "nginx"),
        ("docker-daemon:nginx:1", Kind.DAEMON, "nginx:1"),
        ("docker-archive:a.tar:x:1", Kind.DOCKER_ARCHIVE, "a.tar:x:1"),
        ("oci:dir:ref", Kind.LAYOUT, "dir:ref"),
    ],
)
def test_kinds_of_source_are_skopeo_s(text: str, kind: Kind, location: str) -> None:
    source = parse_source(text)
    assert (source.kind, source.location) == (kind, location)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("http://localhost:5000/x", "docker://localhost:5000/x --insecure-registry localhost:5000"),
        ("https://ghcr.io/a/b", "docker://ghcr.io/a/b"),
        ("dokcer://nginx", "docker://nginx"),
        ("containers-storage:nginx", "name alone"),
    ],
)
def test_a_kind_that_is_none_is_met_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(SourceError, match=re.escape(text)) as caught:
        parse_source(text)
    assert hint in str(caught.value.hint)


def test_no_name_is_no_image() -> None:
    for text in ("", " "):
        with pytest.raises(SourceError, match="no image was named"):
            parse_source(text)


def test_files_that_were_meant_are_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("saved.tar").touch()
    Path("layout").mkdir()
    Path("layout/index.json").touch()
    Path("nginx").touch()
    for text, hint in (("saved.tar", "docker-archive:saved.tar"), ("layout", "oci:layout")):
        with pytest.raises(SourceError) as caught:
            parse_source(text)
        assert hint in str(caught.value.hint)
    assert parse_source("nginx").kind is Kind.NAMED


def test_an_image_id_is_no_name() -> None:
    assert is_image_id(DIGEST)
    assert is_image_id(DIGEST.removeprefix("sha256:"))
    assert not is_image_id("0123456789ab")
    assert not is_image_id(f"nginx@{DIGEST}")


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("Linux/x86_64", Platform("linux", "amd64")),
        ("linux/arm/v7", Platform("linux", "arm", "v7")),
        ("linux/armhf", Platform("linux", "arm", "v7")),
        ("linux/aarch64", Platform("linux", "arm64")),
    ],
)
def test_platforms_have_several_spellings(text: str, platform: Platform) -> None:
    assert parse_platform(text) == platform


@pytest.mark.parametrize("text", ["", "linux", "amd64", "linux/", "linux/arm/v7/x", "a b/c"])
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(Dock2ukError) as caught:
        parse_platform(text)
    assert caught.value.hint


def test_a_lower_variant_will_do() -> None:
    arm = [Platform("linux", "arm", variant) for variant in ("v5", "v6", "v7", "v8")]
    assert [str(one) for one in parse_platform("linux/arm").alternatives()] == [
        "linux/arm/v7", "linux/arm/v6", "linux/arm/v5",
    ]  # fmt: skip
    wanted = parse_platform("linux/arm/v6")
    assert [one for one in arm if wanted.takes(one)] == arm[:2]
    assert parse_platform("linux/amd64/v3").takes(Platform("linux", "amd64"))
    assert not parse_platform("linux/amd64").takes(Platform("linux", "amd64", "v3"))
    assert parse_platform("linux/arm64").takes(Platform("linux", "arm64", "v8"))
    assert not parse_platform("linux/amd64").takes(Platform("windows", "amd64"))
