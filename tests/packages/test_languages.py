"""Packages that languages' own tools installed, and modules linked into programs."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from dock2uk.ingest import read_image
from dock2uk.model import Package
from dock2uk.packages import Inventory, inventory
from dock2uk.progress import Silent
from tests.packages import databases
from tests.unit.trees import Entry, Link, program, tree

FIXTURES = Path(__file__).resolve().parents[2] / "build/fixtures"
SITE = "/usr/lib/python3/site-packages"


def read(*entries: Mapping[str, Entry]) -> Inventory:
    return inventory(tree({path: one for some in entries for path, one in some.items()}))


def purls(found: Inventory) -> list[str]:
    return [package.purl for package in found.packages]


def only(found: Inventory) -> Package:
    (package,) = found.packages
    return package


# ------------------------------------------------------------------ Python

FLASK: dict[str, Entry] = {
    f"{SITE}/Flask_Cors-4.0.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: Flask_Cors\nVersion: 4.0.1\nSummary: x\n\nName: not-this\n"
    ),
    f"{SITE}/Flask_Cors-4.0.dist-info/RECORD": (
        "flask_cors/__init__.py,sha256=x,10\n../../../bin/flask-cors,,\n"
        '"flask_cors/with,comma.py",,\nFlask_Cors-4.0.dist-info/RECORD,,\n'
    ),
    f"{SITE}/flask_cors/__init__.py": "",
    f"{SITE}/flask_cors/with,comma.py": "",
    f"{SITE}/flask_cors/__pycache__/__init__.cpython-312.pyc": "",
    f"{SITE}/flask_cors/__pycache__/other.cpython-312.pyc": "",
    "/usr/bin/flask-cors": "",
}


def test_a_wheel_s_files_are_those_of_record_and_their_byte_code() -> None:
    package = only(read(FLASK))
    assert package.purl == "pkg:pypi/flask-cors@4.0.1"
    assert set(package.files) == {
        "/usr/bin/flask-cors",
        f"{SITE}/flask_cors/__init__.py",
        f"{SITE}/flask_cors/with,comma.py",
        f"{SITE}/flask_cors/__pycache__/__init__.cpython-312.pyc",
        f"{SITE}/Flask_Cors-4.0.dist-info/RECORD",
    }


def test_eggs_have_files_by_list_by_module_or_not_known() -> None:
    names = ("listed", "modular", "bare")
    metadata = {f"{SITE}/{name}.egg-info/PKG-INFO": f"Name: {name}\nVersion: 1\n" for name in names}
    more: dict[str, Entry] = {
        f"{SITE}/listed.egg-info/installed-files.txt": "../listed.py\nPKG-INFO\n",
        f"{SITE}/modular.egg-info/top_level.txt": "modular\n",
        f"{SITE}/modular/deep/x.py": "",
        f"{SITE}/single-2.egg-info": "Metadata-Version: 1.0\nName: single\nVersion: 2\n",
        f"{SITE}/single.py": "",
    }
    bare, listed, modular, single = read(metadata, more).packages
    assert not bare.is_file_list_known
    assert listed.files == (f"{SITE}/listed.egg-info/PKG-INFO", f"{SITE}/listed.py")
    assert f"{SITE}/modular/deep/x.py" in modular.files
    assert single.files == (f"{SITE}/single-2.egg-info", f"{SITE}/single.py")


def test_what_the_distribution_brought_is_part_of_its_package() -> None:
    place = f"{SITE}/six.egg-info"
    listed = databases.dpkg("Package: python3-six\nVersion: 1\n", python3_six=[place])
    system, language = read(listed, {place: "Name: six\nVersion: 1.16\n"}).packages
    assert (system.name, system.part_of) == ("python3-six", "")
    assert (language.name, language.part_of) == ("six", "python3-six")
    assert language.files == system.files  # nothing says which of them are its own


# ------------------------------------------------------------------ others


def test_node_s_packages_are_those_below_node_modules() -> None:
    def described(name: str, version: str) -> str:
        return json.dumps({"name": name, "version": version})

    entries: dict[str, Entry] = {
        "/app/package.json": described("app", "1.0.0"),
        "/app/node_modules/express/package.json": described("express", "4.18.2"),
        "/app/node_modules/express/lib/x.js": "",
        "/app/node_modules/express/esm/package.json": json.dumps({"type": "module"}),
        "/app/node_modules/express/node_modules/ms/package.json": described("ms", "2.0.0"),
        "/app/node_modules/ms/package.json": described("ms", "2.0.0"),
        "/app/node_modules/@babel/core/package.json": described("@babel/core", "7.1.0"),
        "/app/node_modules/.cache/x/package.json": described("hidden", "1.0.0"),
        "/app/node_modules/linked": Link("express"),
    }
    found = read(entries)
    assert purls(found) == [
        "pkg:npm/%40babel/core@7.1.0", "pkg:npm/express@4.18.2", "pkg:npm/ms@2.0.0",
    ]  # fmt: skip
    assert not found.unread
    _, express, ms = found.packages
    assert len(express.files) == 3
    assert len(ms.files) == 2  # of both places


GO = "path\tapp\nmod\texample.com/app\t(devel)\t\ndep\tgolang.org/x/net\tv0.17.0\th1:x=\n" + (
    "dep\tgithub.com/a/b/v2\tv2.0.0\n=>\tgithub.com/fork/b/v2\tv2.0.1\th1:y=\nbuild\t-compiler=gc\n"
)


@pytest.mark.parametrize("has_sections", [True, False])
def test_modules_of_a_go_program(has_sections: bool) -> None:
    made = databases.go_program("go1.21.3", GO, has_sections=has_sections)
    found = read({"/app": program("/app", made)})
    assert purls(found) == [
        "pkg:golang/example.com/app",
        "pkg:golang/github.com/fork/b/v2@v2.0.1",
        "pkg:golang/golang.org/x/net@v0.17.0",
        "pkg:golang/stdlib@1.21.3",
    ]
    assert {package.files for package in found.packages} == {("/app",)}


def test_a_program_of_an_old_go_is_said_to_be_unread() -> None:
    made = databases.go_program("go1.21.3", GO).replace(b"buildinf:\x08\x02", b"buildinf:\x08\x00")
    found = read({"/app": program("/app", made)})
    assert not found.packages
    assert "before 1.18" in found.unread[0].because


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
def test_go_says_the_same_of_the_sample_programs() -> None:
    source = read_image(f"oci:{FIXTURES / 'go-http'}", Silent())
    said = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True)
    version = said.stdout.strip().removeprefix("go")
    names = {(one.name, one.version) for one in inventory(source.tree).packages}
    assert ("stdlib", version) in names


def test_jars_with_properties_with_a_manifest_and_in_jars() -> None:
    inner = databases.jar(databases.pom("org.inner", "inner", "3.0"))
    manifest = "Manifest-Version: 1.0\r\nImplementation-Version: 1.\r\n 2\r\n\r\nName: x\r\n"
    entries: dict[str, Entry] = {
        "/app/fat.jar": databases.jar(
            {
                **databases.pom("org.one", "one", "1.0"),
                **databases.pom("org.two", "two", "2.0"),
                "BOOT-INF/lib/inner.jar": inner,
            }
        ),
        "/app/lib/plain-9.9.jar": databases.jar({"META-INF/MANIFEST.MF": manifest}),
        "/app/lib/guava-32.1.3-jre.jar": databases.jar({"x": ""}),
        "/app/lib/nameless.jar": databases.jar({"x": ""}),
    }
    found = read(entries)
    assert purls(found) == [
        "pkg:maven/guava@32.1.3-jre", "pkg:maven/org.inner/inner@3.0", "pkg:maven/org.one/one@1.0",
        "pkg:maven/org.two/two@2.0", "pkg:maven/plain@1.2",
    ]  # fmt: skip
    assert found.packages[1].files == ("/app/fat.jar",)
    assert [one.path for one in found.unread] == ["/app/lib/nameless.jar"]


def test_jars_in_jars_are_opened_to_a_bound() -> None:
    made = databases.jar(databases.pom("deep", "deep", "1"))
    for _ in range(6):
        made = databases.jar({"a.jar": made})
    found = read({"/app.jar": made})
    assert "too many" in found.unread[-1].because


def test_a_jar_that_unpacks_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dock2uk.packages.jars._NESTED_BYTES", 1 << 16)
    bomb = databases.jar({"a.jar": bytes(1 << 20)})
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        assert archive.infolist()[0].compress_size < 1 << 11
    assert "more than" in read({"/bomb.jar": bomb}).unread[-1].because


GEMSPEC = """# -*- encoding: utf-8 -*-
Gem::Specification.new do |s|
  s.name = "rack".freeze
  s.version = "2.2.8"
  s.required_ruby_version = Gem::Requirement.new(">= 2.3".freeze)
  s.add_runtime_dependency(%q<other>.freeze, ["= 1"])
end
"""


def test_gems_have_the_files_of_their_directory() -> None:
    home = "/usr/local/bundle"
    entries: dict[str, Entry] = {
        f"{home}/specifications/rack-2.2.8.gemspec": GEMSPEC,
        f"{home}/gems/rack-2.2.8/lib/rack.rb": "",
        "/usr/lib/ruby/specifications/default/json-2.6.gemspec": GEMSPEC.replace("rack", "json"),
        f"{home}/gems/rack-2.2.8/rack.gemspec": "s.name = 'ignored'",
    }
    json_gem, rack = read(entries).packages
    assert not json_gem.is_file_list_known
    assert rack.purl == "pkg:gem/rack@2.2.8"
    assert f"{home}/gems/rack-2.2.8/lib/rack.rb" in rack.files


@pytest.mark.parametrize("version", [1, 2])
def test_composer_s_packages(version: int) -> None:
    packages = [{"name": "symfony/yaml", "version": "v6.3.0", "install-path": "../symfony/yaml"}]
    document = packages if version == 1 else {"packages": packages, "dev": False}
    entries: dict[str, Entry] = {
        "/app/vendor/composer/installed.json": json.dumps(document),
        "/app/vendor/symfony/yaml/Yaml.php": "",
    }
    package = only(read(entries))
    assert package.purl == "pkg:composer/symfony/yaml@6.3.0"
    assert package.files == ("/app/vendor/symfony/yaml/Yaml.php",)
