"""What packages publish for show is listed with the package; all else is counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from dock2uk.ingest import read_image
from dock2uk.model import Rootfs
from dock2uk.packages import inventory
from dock2uk.progress import Silent
from dock2uk.report import published as published_module
from dock2uk.report import secret_findings
from dock2uk.secrets import find
from tests.images import docker_archive, file, layer

SECRET = "token: ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a\n"
COMMENT = f"code()\n * {SECRET}"
SITE = "usr/local/lib/python3.12/site-packages"
GEM = "usr/local/bundle/gems/g-1.0"
VENDORED = "src/app/vendor/example.org/a/b"
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00" + bytes(44)


def package_json(name: str, **more: bool) -> str:
    return json.dumps({"name": name, "version": "1.0.0"} | more)


RECORDS = {
    "app/node_modules/n/package.json": package_json("n"),
    "app/node_modules/n/node_modules/m/package.json": package_json("m"),
    "app/node_modules/@s/test/package.json": package_json("@s/test"),
    "app/node_modules/own/package.json": package_json("own", private=True),
    f"{SITE}/p-1.dist-info/RECORD": (
        "p/core.py,,\np/tests/a.pem,,\np/test_a.py,,\np-1.dist-info/METADATA,,\np_vectors/a.txt,,\n"
    ),
    "usr/local/bundle/specifications/g-1.0.gemspec": 's.name = "g"\ns.version = "1.0"\n',
    "src/app/vendor/modules.txt": (
        "## workspace\n# example.org/a v1.0.0\n# example.org/a/b v1.2.0\nexample.org/a/b\n"
        "# example.org/c/d v1.0.0 => ../d\n"
    ),
    "etc/os-release": "ID=debian\nVERSION_ID=12\n",
    "var/lib/dpkg/status": "Package: d\nStatus: install ok installed\nVersion: 1\n",
    "var/lib/dpkg/info/d.list": (
        "/etc/d.conf\n/usr/bin/d\n/usr/share/doc/d/a\n/usr/lib/d/test/a.pem\n/usr/lib/d/a.pm\n"
    ),
}
# Where the secret is -> what it is published with.
PUBLISHED = {
    "app/node_modules/n/index.d.ts": "n",
    "app/node_modules/n/README.md": "n",
    "app/node_modules/n/test/fixtures/key.pem": "n",
    "app/node_modules/n/lib/a.spec.js": "n",
    "app/node_modules/n/node_modules/m/docs/a.txt": "m",
    f"{SITE}/p/tests/a.pem": "p",
    f"{SITE}/p/test_a.py": "p",
    f"{SITE}/p_vectors/a.txt": "p",
    f"{SITE}/p-1.dist-info/METADATA": "p",
    f"{GEM}/spec/key.pem": "g",
    f"{VENDORED}/testdata/key.pem": "example.org/a/b",
    "go/pkg/mod/example.org/!big/m@v1.0.0/a_test.go": "example.org/Big/m",
    "usr/share/doc/d/a": "d",
    "usr/lib/d/test/a.pem": "d",
}
COUNTED = (
    "app/test/key.pem",  # the application's own
    "app/README.md",
    "app/node_modules/n/lib/a.js",  # code, not for show
    "app/node_modules/n/config.json",
    "app/node_modules/@s/test/lib/a.js",  # what is named test is the package
    "app/node_modules/own/test/a.pem",  # private
    f"{SITE}/p/core.py",
    f"{SITE}/p/tests/other.pem",  # p has it not
    f"{GEM}/lib/a.rb",
    f"{VENDORED}/a.go",
    "src/app/vendor/example.org/c/d/testdata/a.pem",  # replaced by a directory
    "src/app/vendor/example.org/x/y/testdata/a.pem",  # no module that is vendored
    "other/vendor/example.org/a/b/testdata/a.pem",  # vendored by nobody
    "etc/d.conf",
    "usr/lib/d/a.pm",
    "usr/share/doc/other/a",
)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def published(directory: Path, *layers: Mapping[str, str | bytes]) -> dict[str, str | None]:
    """Where an image of these has secrets -> with what each is published."""
    made = (
        layer(*(file(name, text if isinstance(text, bytes) else text.encode())
                for name, text in one.items()))
        for one in layers
    )  # fmt: skip
    path = docker_archive(directory / "image.tar", tuple(made))
    image = read_image(f"docker-archive:{path}", Silent())
    packages = inventory(image.tree).packages
    found = secret_findings.found(find(image, packages), image, packages, Rootfs((), (), ()), None)
    metric, _ = secret_findings.secret_metrics(found, image)
    assert metric.before == sum(one.published_with is None for one in found)
    return {(one.secret.path or "").lstrip("/"): one.published_with for one in found}


@pytest.fixture
def metadata() -> dict[str, str]:
    return {f"{SITE}/p-1.dist-info/METADATA": f"Name: p\nVersion: 1\n\n{SECRET}"}


def test_what_is_for_show_is_listed_with_its_package(
    tmp_path: Path, metadata: dict[str, str]
) -> None:
    secrets = dict.fromkeys((*PUBLISHED, *COUNTED), SECRET)
    found = published(tmp_path, RECORDS | secrets | metadata)
    assert found == PUBLISHED | dict.fromkeys(COUNTED)


def test_documentation_in_a_comment_of_a_package(tmp_path: Path) -> None:
    secrets = {
        "app/node_modules/n/lib/a.js": COMMENT,
        "app/node_modules/n/lib/b.js": f"// {SECRET}",
        "app/node_modules/own/lib/a.js": COMMENT,
        "app/lib/a.js": COMMENT,
        "usr/lib/d/a.pm": COMMENT,
    }
    assert published(tmp_path, RECORDS | secrets) == dict.fromkeys(secrets) | {
        "app/node_modules/n/lib/a.js": "n",
        "usr/lib/d/a.pm": "d",
    }


def test_a_file_is_read_once_for_all_that_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = published_module._documentation
    monkeypatch.setattr(
        published_module, "_documentation", lambda node: asked.append(node.path) or real(node)
    )
    text = "".join(f" * {SECRET}" for _ in range(50))
    assert published(tmp_path, RECORDS | {"app/node_modules/n/a.js": text}) == {
        "app/node_modules/n/a.js": "n"
    }
    assert asked == ["/app/node_modules/n/a.js"]


def test_what_a_later_layer_replaced_is_no_longer_the_package_s(
    tmp_path: Path, metadata: dict[str, str]
) -> None:
    vendored = f"{VENDORED}/testdata/key.pem"
    replaced = {
        "app/node_modules/n/README.md": SECRET,
        f"{SITE}/p/tests/a.pem": SECRET,
        vendored: SECRET,
        "usr/share/doc/d/a": SECRET,
        "usr/bin/d": PROGRAM + b"\n" + SECRET.encode(),
    }
    before = dict.fromkeys(replaced, "nothing")
    once = published(tmp_path, RECORDS | metadata | before, replaced)
    assert {name: once[name] for name in replaced} == dict.fromkeys(replaced)
    at_once = published(tmp_path, RECORDS | metadata | replaced)
    assert None not in at_once.values()


def test_a_program_with_a_key_is_a_distribution_s_or_it_counts(tmp_path: Path) -> None:
    program = PROGRAM + b"\n" + SECRET.encode()
    places = {
        "usr/bin/d": program,
        "app/node_modules/n/test/a.node": program,
        f"{GEM}/lib/a.so": program,
    }
    assert published(tmp_path, RECORDS | places) == dict.fromkeys(places) | {"usr/bin/d": "d"}
