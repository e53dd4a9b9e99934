"""What the image's author put beside a program that no package brought."""

from __future__ import annotations

from test_analyse import library, run, server
from test_module_trees import packaged
from tiny_elf import tiny_elf
from trees import Entry, Link, program

PLACES: dict[str, Entry] = {
    "/static/css/page.css": "",
    "/migrations/1.sql": "",
    "/config.yaml": "",
}


def test_directories_and_files_that_only_the_author_knows_are_the_program_s() -> None:
    found = run(PLACES | {"/usr/bin/server": server()})
    assert set(PLACES) <= set(found.needed)
    because = "made for /usr/bin/server, which no package owns"
    assert found.needed["/static/css/page.css"] == f"in /static: {because}"


def test_what_has_the_name_of_a_local_program_is_kept() -> None:
    entries: dict[str, Entry] = {
        "/usr/local/bin/run": server(), "/etc/run/run.yaml": "", "/usr/local/share/run/page": "",
        "/usr/local/share/other/page": "",
    }  # fmt: skip
    found = run(entries, exe="/usr/local/bin/run", argv=("run",))
    because = "it has the name of /usr/local/bin/run, which no package owns"
    assert found.needed["/etc/run/run.yaml"] == f"in /etc/run: {because}"
    assert found.needed["/usr/local/share/run/page"] == f"in /usr/local/share/run: {because}"
    assert "/usr/local/share/other/page" not in found.needed


def test_all_that_lies_around_the_program_is_kept() -> None:
    entries: dict[str, Entry] = {"/srv/app/bin/run": server(), "/srv/app/share/x.txt": ""}
    found = run(entries | {"/srv/other/y.txt": ""}, exe="/srv/app/bin/run", argv=("run",))
    because = "in /srv/app: the directory of /srv/app/bin/run, which no package owns"
    assert found.needed["/srv/app/share/x.txt"] == because
    assert "/srv/other/y.txt" not in found.needed


def test_a_package_s_program_says_itself_where_its_files_are() -> None:
    entries = packaged({"daemon": {"/usr/bin/server": server()}}) | PLACES
    assert not set(PLACES) & set(run(entries).needed)


def test_code_and_shell_scripts_in_such_places_are_not_kept_for_standing_there() -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(),
        "/start.sh": program("", b"#!/bin/sh\n"),
        "/worker": server(),
        "/tools/worker": server(),
        "/tools/unnamed.so": library(),
        "/loop": Link("/loop"),
        "/nix/store/x/data": "",
    }
    found = run(entries)
    assert set(entries) & set(found.needed) == {"/usr/bin/server"}


def test_programs_that_are_named_as_on_path_are_kept_where_no_package_has_them() -> None:
    entries: dict[str, Entry] = {
        "/usr/local/bin/run": program("", tiny_elf(strings=["helper", "tool", "missing", "sh"])),
        "/usr/local/bin/helper": server(needed=["libhelp.so"]),
        "/usr/local/bin/other": server(),
        "/usr/local/bin/sh": server(),
        "/usr/lib/libhelp.so": library(),
    }
    entries |= packaged({"tools": {"/usr/bin/tool": server()}})
    env = ("PATH=/usr/local/bin:/usr/bin:/missing",)
    found = run(entries, exe="/usr/local/bin/run", argv=("run",), env=env)
    because = "a program on PATH that is named as /usr/local/bin/run names what it runs"
    assert found.needed["/usr/local/bin/helper"] == because
    assert "/usr/lib/libhelp.so" in found.elves
    others = {"/usr/local/bin/other", "/usr/local/bin/sh", "/usr/bin/tool"}
    assert not others & set(found.needed)
