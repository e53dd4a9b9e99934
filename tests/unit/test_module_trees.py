"""The modules of interpreters: which trees of an image are kept for them, and why."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from test_analyse import library, run, server
from tiny_elf import tiny_elf
from trees import Entry, Link, program, tree

from dock2uk.packages import system_packages, with_dependencies

LIBRARY = "/usr/lib/lang3.1"


def packaged(
    packages: Mapping[str, Mapping[str, Entry]], **fields: Mapping[str, str]
) -> dict[str, Entry]:
    """Files by package, with dpkg's database; `fields` are more lines of a package's stanza."""
    entries: dict[str, Entry] = {}
    stanzas = []
    for name, files in packages.items():
        entries |= files
        entries[f"/var/lib/dpkg/info/{name}.list"] = "\n".join(files) + "\n"
        more = "".join(f"{key}: {value}\n" for key, value in fields.get(name, {}).items())
        stanzas.append(f"Package: {name}\nStatus: install ok installed\nVersion: 1\n{more}")
    return entries | {"/var/lib/dpkg/status": "\n".join(stanzas)}


PACKAGES: dict[str, dict[str, Entry]] = {
    "lang": {"/usr/bin/server": server(), f"{LIBRARY}/os.py": "", f"{LIBRARY}/data.txt": "x"},
    "stdlib": {
        f"{LIBRARY}/http/client.py": "",
        f"{LIBRARY}/fast.so": library(needed=["libfast.so"]),
        f"{LIBRARY}/tool": server(),
        "/usr/share/doc/stdlib/example.py": "",
        "/usr/share/other/readme": "",
    },
    "fast": {"/usr/lib/libfast.so": library()},
    "web": {
        "/usr/bin/webapp": program("", b"#!/usr/bin/server\n"),
        "/usr/share/web/app.py": "",
        "/usr/share/web/page.html": "",
    },
    "unrelated": {"/usr/share/unrelated/module.py": ""},
    "otherlang": {"/usr/share/perl5/Other.pm": ""},
}
FIELDS = {
    "stdlib": {"Source": "lang"},
    "web": {"Depends": "lang (>= 3), missing | otherlang:any"},
}


def test_modules_of_the_program_s_source_are_kept_with_what_lies_beside_them() -> None:
    found = run(packaged(PACKAGES, **FIELDS))
    because = "modules of package stdlib, which /usr/bin/server may load"
    assert found.needed[f"{LIBRARY}/http/client.py"] == because
    assert found.needed[f"{LIBRARY}/fast.so"] == because
    assert f"{LIBRARY}/data.txt" in found.needed
    assert "/usr/lib/libfast.so" in found.elves


@pytest.mark.parametrize("path", [
    f"{LIBRARY}/tool", "/usr/share/doc/stdlib/example.py", "/usr/share/other/readme",
    "/usr/share/unrelated/module.py", "/usr/share/web/app.py",
])  # fmt: skip
def test_what_is_no_module_of_it_stays_out(path: str) -> None:
    assert path not in run(packaged(PACKAGES, **FIELDS)).needed


def test_a_script_brings_its_package_and_what_that_depends_on() -> None:
    argv = ("/usr/bin/server", "/usr/bin/webapp")
    found = run(packaged(PACKAGES, **FIELDS), argv=argv, method="interpreter")
    assert found.needed["/usr/bin/webapp"] == "a script that /usr/bin/server interprets"
    assert "/usr/share/web/page.html" in found.needed
    assert f"{LIBRARY}/os.py" in found.needed
    assert "/usr/share/perl5/Other.pm" not in found.needed  # of another language
    assert "/usr/share/unrelated/module.py" not in found.needed


def test_byte_code_is_kept_beside_its_module() -> None:
    compiled: dict[str, Entry] = {
        f"{LIBRARY}/__pycache__/os.lang-31.pyc": "",
        f"{LIBRARY}/__pycache__/gone.lang-31.pyc": "",
    }
    found = run(packaged(PACKAGES, **FIELDS) | compiled)
    assert f"{LIBRARY}/__pycache__/os.lang-31.pyc" in found.needed
    assert f"{LIBRARY}/__pycache__/gone.lang-31.pyc" not in found.needed


def test_a_program_that_interprets_nothing_keeps_no_tree() -> None:
    packages: dict[str, dict[str, Entry]] = {
        "plain": {"/usr/bin/server": server(), "/usr/lib/plain/thing.dat": ""},
        "needed": {"/usr/share/needed/module.py": ""},
    }
    found = run(packaged(packages, plain={"Depends": "needed"}))
    assert "/usr/share/needed/module.py" not in found.needed
    assert "/usr/lib/plain/thing.dat" not in found.needed


def test_without_packages_the_tree_of_the_program_s_name_is_kept() -> None:
    entries: dict[str, Entry] = {
        "/usr/local/bin/lang3.1": server(),
        "/usr/local/lib/lang3.1/os.py": "",
        "/usr/local/lib/lang3.1/fast.so": library(),
        "/usr/local/lib/langusta/data": "",
        "/usr/local/lib/other/module.py": "",
    }
    found = run(entries, exe="/usr/local/bin/lang3.1", argv=("lang3.1",))
    because = "modules beside /usr/local/bin/lang3.1, which no package owns"
    assert found.needed["/usr/local/lib/lang3.1/os.py"] == because
    assert "/usr/local/lib/lang3.1/fast.so" in found.elves
    assert "/usr/local/lib/langusta/data" not in found.needed
    assert "/usr/local/lib/other/module.py" not in found.needed


def test_a_runtime_of_its_own_prefix_is_kept_whole() -> None:
    entries: dict[str, Entry] = {
        "/opt/machine/bin/machine": server(),
        "/opt/machine/lib/rt.jar": "",
        "/opt/machine/lib/modules": "",
        "/opt/machine/lib/server/libvm.so": library(),
    }
    found = run(entries, exe="/opt/machine/bin/machine", argv=("machine",))
    assert {"/opt/machine/lib/rt.jar", "/opt/machine/lib/modules"} <= set(found.needed)
    assert "/opt/machine/lib/server/libvm.so" in found.elves


def test_configuration_that_a_module_names_whole_is_kept() -> None:
    source = b"known = ['/etc/kinds', \"/etc/passwd\", '/etc/%s', '/srv/other', '/etc/site.d']\n"
    entries = packaged(PACKAGES, **FIELDS) | {
        f"{LIBRARY}/os.py": source,
        "/etc/kinds": "",
        "/etc/passwd": "",
        "/srv/other": "",
        "/etc/site.d/one": "",
    }
    needed = run(entries).needed
    assert needed["/etc/kinds"] == f"path written in {LIBRARY}/os.py"
    assert not {"/etc/passwd", "/srv/other", "/etc/site.d/one"} & set(needed)


def test_modules_that_others_put_where_the_language_looks_are_kept() -> None:
    place = "/usr/lib/lang3/packages"
    packages: dict[str, dict[str, Entry]] = PACKAGES | {
        "lang": PACKAGES["lang"] | {place: None},
        "more": {f"{place}/more/late.py": "", f"{place}/more/fast.so": library()},
        "data": {f"{place}/data/readme": ""},
    }
    local = {"/usr/local/lib/lang3.1/own/one.py": "", "/usr/local/lib/other/one.py": ""}
    needed = run(packaged(packages, **FIELDS) | local).needed
    because = "modules of package more, which /usr/bin/server may load"
    assert needed[f"{place}/more/late.py"] == because
    assert f"{place}/more/fast.so" in needed
    assert f"{place}/data/readme" not in needed
    assert needed["/usr/local/lib/lang3.1/own/one.py"] == f"installed for what is in {LIBRARY}"
    assert "/usr/local/lib/other/one.py" not in needed


@pytest.mark.parametrize(
    ("script", "kept", "left_out"),
    [
        (
            "/srv/app/main.js",
            ["/srv/app/lib/late.js", "/srv/app/lib/fast.node", "/srv/node_modules/a/index.js"],
            ["/srv/other/x.js"],
        ),
        ("/srv/app/main.py", ["/srv/app/lib/late.js"], ["/srv/node_modules/a/index.js"]),
        ("/usr/bin/main.py", [], ["/usr/bin/data.txt"]),  # a directory of everyone's
    ],
)
def test_what_lies_beside_a_script_is_kept(
    script: str, kept: list[str], left_out: list[str]
) -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(),
        script: "",
        "/srv/app/lib/late.js": "",
        "/srv/app/lib/fast.node": library(),
        "/srv/node_modules/a/index.js": "",
        "/srv/other/x.js": "",
        "/usr/bin/data.txt": "",
    }
    needed = run(entries, argv=("server", script)).needed
    assert set(kept) <= set(needed)
    assert not set(left_out) & set(needed)


def test_names_in_modules_are_not_followed() -> None:
    """A module is not configuration: any word of it might be a path by chance."""
    packages: dict[str, dict[str, Entry]] = {
        "lang": {
            "/usr/bin/server": program("", tiny_elf() + b"\0/usr/share/lang/a.js\0"),
            "/usr/share/lang/a.js": "open('/srv/secret')",
        }
    }
    entries: dict[str, Entry] = {"/srv/secret": "", "/srv/app/b.js": "open('/srv/named')"}
    entries |= {"/srv/named": ""}
    found = run(packaged(packages) | entries, argv=("server", "/srv/app/b.js"))
    assert "/srv/secret" not in found.needed
    assert found.needed["/srv/named"] == "named in /srv/app/b.js"


def test_zones_are_kept_for_who_reads_them_by_name() -> None:
    zones: dict[str, Entry] = {
        "/usr/share/zoneinfo/UTC": "TZif", "/usr/share/zoneinfo/Etc/UTC": Link("../UTC"),
        "/usr/share/zoneinfo/right/UTC": "TZif",
    }  # fmt: skip
    reader = program("", tiny_elf() + b"\0/usr/share/zoneinfo/\0")
    found = run({"/usr/bin/server": reader} | zones)
    assert {"/usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/Etc/UTC"} <= set(found.needed)
    assert "/usr/share/zoneinfo/right/UTC" not in found.needed
    assert "/usr/share/zoneinfo/UTC" not in run({"/usr/bin/server": server()} | zones).needed


def test_dependencies_are_followed_once_each() -> None:
    packages: dict[str, dict[str, Entry]] = {"a": {"/a": ""}, "b": {"/b": ""}, "c": {"/c": ""}}
    entries = packaged(
        packages,
        a={"Pre-Depends": "b:any (>= 1.0~), c [amd64]"},
        b={"Depends": "virtual | a, c"},
    )
    found = system_packages(tree(entries))
    assert found[0].depends == ("b", "c")
    assert [package.name for package in with_dependencies(found, ["a"])] == ["a", "b", "c"]
    assert with_dependencies(found, ["not-there"]) == ()


def test_a_script_brings_the_whole_of_its_program_s_own_directory() -> None:
    """/usr/src is everyone's, /usr/src/app is the program's: its script looks above itself."""
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(),
        "/usr/src/app/src/main.js": "",
        "/usr/src/app/views/page.ejs": "",
        "/usr/src/app/fast.node": library(),
        "/usr/src/app/start.sh": program("", b"#!/bin/sh\n"),
        "/usr/src/other/x.js": "",
    }
    found = run(entries, argv=("server", "/usr/src/app/src/main.js"))
    because = "the directory of /usr/src/app/src/main.js, which no package owns"
    assert found.needed["/usr/src/app/views/page.ejs"] == because
    assert "/usr/src/app/fast.node" in found.elves
    assert "/usr/src/app/start.sh" not in found.needed
    assert "/usr/src/other/x.js" not in found.needed


LANGUAGE: dict[str, dict[str, Entry]] = {
    "lang": {"/usr/bin/server": server(), f"{LIBRARY}/os.py": "zoneinfo.ZoneInfo, 'liblate.so.1'"}
}
LANGUAGE_FILES = packaged(LANGUAGE)
ZONE: dict[str, Entry] = {"/usr/share/zoneinfo/UTC": "TZif", "/usr/lib/liblate.so.1": library()}


def test_directories_in_lists_are_each_looked_into() -> None:
    entries = LANGUAGE_FILES | {"/srv/a/one.py": "", "/srv/b/fast.so": library()}
    entries |= {"/srv/c/two.jar": "", "/srv/d/four.py": ""}
    argv = ("server", "-cp", "/srv/d:/srv/c/*")
    found = run(entries, env=("PYTHONPATH=/srv/a:/srv/b",), argv=argv)
    assert found.needed["/srv/a/one.py"] == "environment variable PYTHONPATH"
    assert "/srv/b/fast.so" in found.elves
    assert found.needed["/srv/c/two.jar"] == "argument '/srv/d:/srv/c/*'"
    assert "/srv/d/four.py" in found.needed


def test_a_virtual_environment_is_found_by_the_name_the_program_is_started_by() -> None:
    entries = LANGUAGE_FILES | {
        "/opt/venv/bin/python": Link("/usr/bin/server"),
        "/opt/venv/pyvenv.cfg": "home = /usr/bin",
        "/opt/venv/lib/lang3.1/site-packages/web/__init__.py": "",
        "/opt/venv/lib/lang3.1/site-packages/web/_fast.so": library(),
    }
    found = run(entries, argv=("python", "-m", "web"), env=("PATH=/opt/venv/bin:/usr/bin",))
    because = "the virtual environment that /opt/venv/bin/python belongs to"
    assert found.needed["/opt/venv/lib/lang3.1/site-packages/web/__init__.py"] == because
    assert {"/opt/venv/pyvenv.cfg", "/opt/venv/bin/python"} <= set(found.needed)
    assert "/opt/venv/lib/lang3.1/site-packages/web/_fast.so" in found.elves
    plain = run(entries, argv=("server",), env=("PATH=/usr/bin",))
    assert "/opt/venv/pyvenv.cfg" not in plain.needed


def test_directories_of_path_configuration_files_are_kept() -> None:
    place = "/usr/local/lib/lang3.1/dist-packages"
    entries = LANGUAGE_FILES | {
        f"{place}/more.pth": "# extra\n/srv/more\nimport nothing\n../missing\n",
        "/srv/more/module.py": "",
    }
    found = run(entries, argv=("server",))
    because = f"a directory of modules named in {place}/more.pth"
    assert found.needed["/srv/more/module.py"] == because


@pytest.mark.parametrize(
    "said",
    ["from zoneinfo import ZoneInfo", "import zoneinfo", "DIR = '/usr/share/zoneinfo'"],
)
def test_zones_are_kept_for_modules_that_read_them(said: str) -> None:
    entries = LANGUAGE_FILES | ZONE
    found = run(entries | {"/srv/app/main.py": said}, argv=("server", "/srv/app/main.py"))
    because = "time zones are read by name in /srv/app/main.py"
    assert found.needed["/usr/share/zoneinfo/UTC"] == because
    # What the language could do for a program, it does not do by itself.
    plain = run(entries | {"/srv/app/main.py": ""}, argv=("server", "/srv/app/main.py"))
    assert not set(ZONE) & set(plain.needed)


def test_libraries_that_modules_open_by_name_are_kept() -> None:
    entries = LANGUAGE_FILES | ZONE | {"/srv/app/main.py": 'ctypes.CDLL("liblate.so.1")'}
    found = run(entries, argv=("server", "/srv/app/main.py"))
    because = "liblate.so.1 is written in /srv/app/main.py"
    assert found.needed["/usr/lib/liblate.so.1"] == because


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("console.php", ""),
        ("console", "#!/usr/bin/server -d"),
        ("console", "#!/usr/bin/env server"),
        ("console", "#!/usr/bin/env -S MODE=x server --quiet"),
    ],
)
def test_a_script_is_known_by_its_ending_or_its_first_line(name: str, line: str) -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(),
        f"/usr/src/app/bin/{name}": f"{line}\n",
        "/usr/src/app/vendor/autoload.php": "",
    }
    argv, env = ("server", f"/usr/src/app/bin/{name}"), ("PATH=/usr/bin",)
    assert "/usr/src/app/vendor/autoload.php" in run(entries, argv=argv, env=env).needed


def test_a_script_of_another_interpreter_brings_nothing() -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(), "/usr/bin/other": server(),
        "/usr/src/app/bin/job": "#!/usr/bin/env other\n", "/usr/src/app/x.txt": "",
    }  # fmt: skip
    found = run(entries, argv=("server", "/usr/src/app/bin/job"), env=("PATH=/usr/bin",))
    assert "/usr/src/app/x.txt" not in found.needed
