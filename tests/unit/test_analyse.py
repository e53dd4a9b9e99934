"""What is found to be needed: libraries by the linker's rules, files by the program's own words."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tiny_elf import tiny_elf
from trees import Entry, Link, host_entries, image, program

from dock2uk import analyse
from dock2uk.errors import UnsupportedError
from dock2uk.model import Analysis, Entrypoint, ImageConfig, Rule, Stripping

AS_NEEDED = Stripping()
LOADER = "/lib64/ld-linux-x86-64.so.2"


def run(
    entries: dict[str, Entry],
    config: ImageConfig | None = None,
    stripping: Stripping = AS_NEEDED,
    **given: Any,
) -> Analysis:
    """Analyse an image whose program is /usr/bin/server."""
    values: dict[str, Any] = {
        "exe": "/usr/bin/server", "argv": ("server",), "env": (), "cwd": "/", "uid": 0, "gid": 0,
        "groups": (0,), "umask": 0o022, "stop_signal": 15, "ports": (), "method": "elf",
        "evidence": (),
    }  # fmt: skip
    base: dict[str, Entry] = {LOADER: program("", tiny_elf(interpreter=None))}
    made = image(base | entries, config)
    return analyse.analyse(made, Entrypoint(**(values | given)), stripping)


def server(**elf: Any) -> Entry:
    return program("", tiny_elf(**elf))


def library(**elf: Any) -> Entry:
    return program("", tiny_elf(interpreter=None, **elf), mode=0o644)


def test_libraries_of_libraries_with_their_reasons() -> None:
    found = run(
        {
            "/usr/bin/server": server(needed=["liba.so.1"]),
            "/usr/lib/liba.so.1": Link("liba.so.1.2"),
            "/usr/lib/liba.so.1.2": library(needed=["libb.so"]),
            "/usr/lib/libb.so": library(),
            "/usr/lib/unused.so": library(),
        }
    )
    assert found.needed["/usr/lib/liba.so.1"] == "DT_NEEDED liba.so.1 of /usr/bin/server"
    assert found.needed["/usr/lib/liba.so.1.2"] == "where the symlink /usr/lib/liba.so.1 leads"
    assert found.needed["/usr/lib/libb.so"] == "DT_NEEDED libb.so of /usr/lib/liba.so.1.2"
    assert "/usr/lib/unused.so" not in found.needed
    assert set(found.elves) == {
        "/usr/bin/server", LOADER, "/usr/lib/liba.so.1.2", "/usr/lib/libb.so",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "named"),
    [(b"__vdso_time", {"vDSO"}), (b"/proc/1", {"/proc"}), (b"vdso", set()), (b"proc", set())],
)
def test_what_of_the_kernel_s_own_is_named(said: bytes, named: set[str]) -> None:
    found = run({"/usr/bin/server": program("", tiny_elf() + said)})
    assert found.mentions == named


def test_merged_usr_links_are_kept() -> None:
    found = run(
        {
            "/lib": Link("usr/lib"),
            "/usr/bin/server": server(needed=["liba.so"]),
            "/usr/lib/liba.so": library(),
        }
    )
    assert found.needed["/lib"] == "symlink on the way to /lib/liba.so"


def test_search_order_is_ld_sos() -> None:
    places = ["/rpath", "/environment", "/runpath", "/usr/lib"]
    entries: dict[str, Entry] = {f"{place}/liba.so": library() for place in places}
    env = ("LD_LIBRARY_PATH=/environment",)
    rpath: dict[str, Entry] = {"/usr/bin/server": server(needed=["liba.so"], rpath="/rpath")}
    runpath: dict[str, Entry] = {
        "/usr/bin/server": server(needed=["liba.so"], rpath="/rpath", runpath="/runpath")
    }
    neither: dict[str, Entry] = {"/usr/bin/server": server(needed=["liba.so"])}
    assert "/rpath/liba.so" in run(entries | rpath, env=env).elves
    assert "/environment/liba.so" in run(entries | runpath, env=env).elves
    assert "/runpath/liba.so" in run(entries | runpath).elves
    assert "/usr/lib/liba.so" in run(entries | neither).elves


def test_rpath_is_inherited_and_runpath_is_not() -> None:
    def entries(**paths: str) -> dict[str, Entry]:
        return {
            "/usr/bin/server": server(needed=["liba.so"], **paths),
            "/own/liba.so": library(needed=["libb.so"]),
            "/own/libb.so": library(),
        }

    assert "/own/libb.so" in run(entries(rpath="/own")).elves
    with pytest.raises(UnsupportedError, match=r"libb.so, DT_NEEDED of /own/liba.so, is not"):
        run(entries(runpath="/own"))


def test_origin_and_hardware_variants() -> None:
    found = run(
        {
            "/usr/bin/server": server(needed=["liba.so"], runpath="${ORIGIN}/../app"),
            "/usr/app/liba.so": library(),
            "/usr/app/glibc-hwcaps/x86-64-v3/liba.so": library(needed=["libfast.so"]),
            "/usr/lib/libfast.so": library(),
        }
    )
    assert "/usr/bin/../app/liba.so" not in found.needed
    assert {
        "/usr/app/liba.so", "/usr/app/glibc-hwcaps/x86-64-v3/liba.so", "/usr/lib/libfast.so",
    } <= set(found.elves)  # fmt: skip


def test_musl_finds_its_libc_in_the_loader() -> None:
    loader = "/lib/ld-musl-x86_64.so.1"
    found = run(
        {
            "/usr/bin/server": server(interpreter=loader, needed=["libc.musl-x86_64.so.1", "liba"]),
            loader: library(),
            "/etc/ld-musl-x86_64.path": "/a\n/b\n",
            "/b/liba": library(),
        }
    )
    assert set(found.elves) == {"/usr/bin/server", loader, "/b/liba"}
    assert "/etc/ld-musl-x86_64.path" in found.needed


def test_static_program_needs_itself_alone() -> None:
    found = run({"/usr/bin/server": server(interpreter=None), "/usr/lib/liba.so": library()})
    assert set(found.needed) == {"/usr/bin/server"}


def test_what_is_missing_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match=r"libgone.so, DT_NEEDED of /usr/bin/server, is not"):
        run({"/usr/bin/server": server(needed=["libgone.so"])})
    with pytest.raises(UnsupportedError, match=r"/lib/ld.so, the dynamic linker of"):
        run({"/usr/bin/server": server(interpreter="/lib/ld.so")})


def test_name_services_follow_what_is_imported() -> None:
    entries: dict[str, Entry] = {
        "/usr/lib/libc.so.6": library(),
        "/usr/lib/libnss_extra.so.2": library(),
        "/usr/lib/libnss_other.so.2": library(),
        "/etc/nsswitch.conf": "# passwd: other\npasswd: files extra [NOTFOUND=return]\n"
        "networks: other\n",
        "/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
    }
    plain = run(entries | {"/usr/bin/server": server(needed=["libc.so.6"])})
    assert "/etc/nsswitch.conf" not in plain.needed
    asking: Entry = server(needed=["libc.so.6"], imports=["getpwnam"])
    found = run(entries | {"/usr/bin/server": asking})
    assert found.needed["/usr/lib/libnss_extra.so.2"] == "passwd in /etc/nsswitch.conf"
    assert "/usr/lib/libnss_other.so.2" not in found.needed
    assert "/etc/passwd" in found.needed


def test_preloaded_libraries() -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(),
        "/etc/ld.so.preload": "/opt/libfile.so\n",
        "/opt/libfile.so": library(),
        "/usr/lib/libenv.so": library(needed=["libdeep.so"]),
        "/usr/lib/libdeep.so": library(),
    }
    found = run(entries, env=("LD_PRELOAD=libenv.so libgone.so",))
    assert {"/opt/libfile.so", "/usr/lib/libenv.so", "/usr/lib/libdeep.so"} <= set(found.elves)
    assert "/etc/ld.so.preload" in found.needed


def test_strings_of_go_and_rust_have_no_end() -> None:
    text = "\xff Go buildinf:zero/etc/mime.types/etc/ssl/ca.crtmore /etc/absent/usr/share/x/dirjunk"
    entries: dict[str, Entry] = {
        "/etc/mime.types": "",
        "/etc/ssl/ca.crt": "",
        "/usr/share/x/dir/file": "",
        "/etc/other": "",
    }
    program_bytes = tiny_elf(interpreter=None) + text.encode("latin-1")
    found = run(entries | {"/usr/bin/server": program("", program_bytes)})
    assert set(found.needed) == {"/usr/bin/server", "/etc/mime.types", "/etc/ssl/ca.crt"}
    rust = program_bytes.replace(b"\xff Go buildinf:", b"/rustc/0123/library")
    assert set(run(entries | {"/usr/bin/server": program("", rust)}).needed) == set(found.needed)
    plain = tiny_elf(interpreter=None) + text.replace("\xff Go", "").encode("latin-1")
    assert set(run(entries | {"/usr/bin/server": program("", plain)}).needed) == {"/usr/bin/server"}


def test_character_sets_are_those_that_are_named() -> None:
    gconv = "/usr/lib/x86_64-linux-gnu/gconv"
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(
            needed=["libc.so.6"], imports=["iconv_open"], strings=["LATIN1", "May", "BIG5//IGNORE"]
        ),
        "/usr/lib/libc.so.6": library(),
        f"{gconv}/gconv-modules": (
            "# a comment\n"
            "alias LATIN1// ISO-8859-1//\n"
            "alias MAY// EUC-KR//\n"
            "module ISO-8859-1// INTERNAL ISO8859-1 1\n"
            "module INTERNAL BIG5// BIG5 1\n"
            "module EUC-KR// INTERNAL EUC-KR 1\n"
        ),
        f"{gconv}/ISO8859-1.so": library(),
        f"{gconv}/BIG5.so": library(needed=["libCNS.so"], runpath="$ORIGIN"),
        f"{gconv}/libCNS.so": library(),
        f"{gconv}/EUC-KR.so": library(),
    }
    found = run(entries)
    assert {f"{gconv}/ISO8859-1.so", f"{gconv}/BIG5.so", f"{gconv}/gconv-modules"} <= set(
        found.needed
    )
    assert f"{gconv}/EUC-KR.so" not in found.needed
    assert any("iconv(3) is called by /usr/bin/server" in finding for finding in found.findings)


def test_libraries_that_dlopen_is_given_by_name() -> None:
    names = ["libplug.so.2", "/opt/x/libabs.so", "see libtext.so for more"]
    entries: dict[str, Entry] = {
        "/usr/lib/libplug.so.2": library(),
        "/usr/lib/libtext.so": library(),
        "/opt/x/libabs.so": library(),
    }
    found = run(entries | {"/usr/bin/server": server(imports=["dlopen"], strings=names)})
    assert {"/usr/lib/libplug.so.2", "/opt/x/libabs.so"} <= set(found.elves)
    assert "/usr/lib/libtext.so" not in found.elves


CONFIGURED: dict[str, Entry] = {
    "/usr/bin/server": program(
        "", tiny_elf(strings=["/etc/server/main.conf", "/usr/share/server/"])
    ),
    "/etc/server/main.conf": (
        "# load gone.so /usr/share/other/secret\n"
        "load modules/on.so;\n"
        "include /etc/server/conf.d/*.conf;\n"
        "root 'pages';\n"
        "log /var/log/server/access.log; pid /run/server.pid;\n"
    ),
    "/etc/server/conf.d/site.conf": "docs=/srv/site:/dev/null\nhelper /usr/bin/helper;\n",
    "/etc/server/conf.d/site.conf~": "load modules/off.so",
    "/usr/share/server/pages/index.html": "<p>",
    "/usr/share/server/modules/on.so": library(needed=["libdeep.so"]),
    "/usr/share/server/modules/off.so": library(),
    "/usr/lib/libdeep.so": library(),
    "/usr/bin/helper": server(),
    "/srv/site/page": "hello",
    "/usr/share/other/secret": "no",
    "/var/log/server/access.log": Link("/dev/stdout"),
    "/run": None,
}


def test_configuration_is_followed() -> None:
    found = run(CONFIGURED)
    needed = found.needed
    assert needed["/etc/server/conf.d/site.conf"] == "named in /etc/server/main.conf"
    assert needed["/usr/share/server/modules/on.so"] == "named in /etc/server/main.conf"
    assert needed["/usr/lib/libdeep.so"].startswith("DT_NEEDED libdeep.so of /usr/share/server")
    assert needed["/srv/site/page"] == "in /srv/site: named in /etc/server/conf.d/site.conf"
    assert needed["/var/log/server/access.log"] == "named in /etc/server/main.conf"
    assert needed["/run"] == "would hold /run/server.pid: named in /etc/server/main.conf"
    assert {"/usr/share/server/pages/index.html"} <= set(needed)


def test_what_is_written_in_a_plug_in_is_the_program_s_own_text() -> None:
    plug_in = program("", tiny_elf(strings=["/etc/plug/in", "/usr/share/zoneinfo", "deeper"]))
    found = run(
        CONFIGURED
        | {
            "/usr/share/server/modules/on.so": plug_in,
            "/usr/share/server/modules/deeper.so": library(),
            "/etc/plug/in/site.conf": "load modules/off.so\n",
            "/usr/share/zoneinfo/UTC": "",
        }
    )
    because = "path written in /usr/share/server/modules/on.so"
    assert found.needed["/etc/plug/in/site.conf"] == f"in /etc/plug/in: {because}"
    assert found.needed["/usr/share/server/modules/off.so"] == "named in /etc/plug/in/site.conf"
    assert found.needed["/usr/share/server/modules/deeper.so"].startswith("deeper is named")
    assert "/usr/share/zoneinfo/UTC" in found.needed


def test_what_the_program_is_linked_with_is_no_plug_in() -> None:
    names = ["/usr/lib/libx.so", "/etc/server/main.conf"]
    linked = program("", tiny_elf(interpreter=None, strings=["/opt/text"]))
    found = run(
        {
            "/usr/bin/server": server(needed=["libx.so"], strings=names),
            "/usr/lib/libx.so": linked,
            "/etc/server/main.conf": "use /usr/lib/libx.so\n",
            "/opt/text/file": "",
        }
    )
    assert "/opt/text" not in found.needed


def test_what_is_only_commented_or_stands_around_is_not_kept() -> None:
    found = run({**CONFIGURED, "/etc/server/conf.d/site.conf~": ""})
    assert "/usr/share/other/secret" not in found.needed
    assert "/usr/share/server/modules/off.so" not in found.needed
    assert "1 ELF files in /usr/share/server left out: nothing names them" in found.findings


def test_another_program_is_said_and_left_out() -> None:
    found = run(CONFIGURED)
    assert "/usr/bin/helper" not in found.needed
    assert any("/usr/bin/helper is named" in finding for finding in found.findings)


def test_what_is_kept_in_the_end_is_not_said_to_be_left_out() -> None:
    text = ["/usr/bin/tool", "/usr/share/server/", "liblate.so"]
    entries: dict[str, Entry] = {
        "/usr/bin/server": program("", tiny_elf(imports=["dlopen"], strings=text)),
        "/usr/bin/tool": server(),
        "/usr/share/server/data": "",
        "/usr/lib/liblate.so": Link("/usr/share/server/liblate.so"),
        "/usr/share/server/liblate.so": library(),
    }
    assert any("/usr/bin/tool is named" in one for one in run(entries).findings)
    keep = (Rule("/usr/bin/tool", "--keep /usr/bin/tool", "asked for"),)
    found = run(entries, stripping=Stripping(keep=keep))
    assert {"/usr/bin/tool", "/usr/share/server/liblate.so"} <= set(found.elves)
    assert not [one for one in found.findings if "left out" in one]


def test_a_shared_directory_brings_nothing_with_it() -> None:
    found = run(
        {
            "/usr/bin/server": program(
                "", tiny_elf(strings=["/", "/etc", "/usr/share", "/var/lib"])
            ),
            "/etc/other.conf": "",
            "/usr/share/other/file": "",
            "/var/lib/other/file": "",
        }
    )
    assert set(found.needed) == {"/etc", "/usr/bin/server", "/usr/share", "/var/lib", LOADER}


def test_a_directory_of_two_packages_is_shared() -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": program("", tiny_elf(strings=["/usr/share/pool", "/usr/share/mine"])),
        "/usr/share/pool/file": "",
        "/usr/share/mine/file": "",
        "/var/lib/dpkg/status": (
            "Package: one\nStatus: install ok installed\nVersion: 1\n\n"
            "Package: two\nStatus: install ok installed\nVersion: 2\nSource: big (1.9)\n\n"
            "Package: gone\nStatus: deinstall ok config-files\nVersion: 3\n"
        ),
        "/var/lib/dpkg/info/one.list": "/.\n/usr/share/pool\n/usr/share/mine\n/lib/one\n",
        "/var/lib/dpkg/info/two.list": "/usr/share/pool\n",
        "/lib": Link("usr/lib"),
        "/usr/lib/one": "",
    }
    found = run(entries)
    assert "/usr/share/mine/file" in found.needed
    assert "/usr/share/pool/file" not in found.needed
    assert [(p.name, p.version, p.source) for p in found.packages] == [
        ("one", "1", "one"),
        ("two", "2", "big"),
    ]
    assert "/usr/lib/one" in found.packages[0].files


def test_packages_without_a_package_manager() -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(),
        "/var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2024a-0\n",
        "/var/lib/dpkg/status.d/tzdata.md5sums": "00ff  usr/share/zoneinfo/UTC\n",
        "/var/lib/dpkg/status": (
            "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
        ),
        "/var/lib/dpkg/info/libc6:amd64.list": "/lib/libc.so.6\n",
    }
    libc6, tzdata = run(entries).packages
    assert (libc6.files, libc6.source) == (("/lib/libc.so.6",), "libc6")
    assert (tzdata.version, tzdata.files) == ("2024a-0", ("/usr/share/zoneinfo/UTC",))


def test_openssl_modules_are_those_that_are_configured() -> None:
    text = 'OPENSSLDIR: "/usr/lib/ssl"\0MODULESDIR: "/usr/lib/modules"\0'
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(needed=["libcrypto.so.3"]),
        "/usr/lib/libcrypto.so.3": program("", tiny_elf(interpreter=None) + text.encode()),
        "/usr/lib/ssl/openssl.cnf": Link("/etc/ssl/openssl.cnf"),
        "/etc/ssl/openssl.cnf": "# legacy = no\n[providers]\nfips = fips_section\n",
        "/usr/lib/modules/fips.so": library(),
        "/usr/lib/modules/legacy.so": library(),
    }
    found = run(entries)
    assert "/etc/ssl/openssl.cnf" in found.needed
    assert found.needed["/usr/lib/modules/fips.so"] == "module fips is named in openssl.cnf"
    assert "/usr/lib/modules/legacy.so" not in found.needed


def pem(body: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def test_certificates_that_are_in_no_bundle_are_kept_beside_it() -> None:
    certs = "/etc/ssl/certs"
    text = f"\xff Go buildinf:{certs}/ca-certificates.crt{certs}/etc/pki/tls/certs"
    entries: dict[str, Entry] = {
        "/usr/bin/server": program("", tiny_elf(interpreter=None) + text.encode("latin-1")),
        f"{certs}/ca-certificates.crt": pem("MIIA\nBBBB") + pem("MIIC"),
        "/usr/share/ca-certificates/a.crt": pem("MIIABBBB"),
        f"{certs}/0a0a.0": Link("a.pem"),
        f"{certs}/a.pem": Link("/usr/share/ca-certificates/a.crt"),
        f"{certs}/ours.pem": Link("/opt/ours.crt"),
        "/opt/ours.crt": pem("MIID"),
        f"{certs}/README": "no certificate",
    }
    needed = set(run(entries).needed)
    assert {path for path in needed if path != "/usr/bin/server"} == {
        f"{certs}/ca-certificates.crt", f"{certs}/ours.pem", "/opt/ours.crt",
    }  # fmt: skip
    del entries[f"{certs}/ca-certificates.crt"]
    assert {f"{certs}/0a0a.0", "/usr/share/ca-certificates/a.crt"} <= set(run(entries).needed)


def test_the_bundle_that_gnutls_trusts_is_kept() -> None:
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(needed=["libgnutls.so.30"]),
        "/usr/lib/libgnutls.so.30": library(strings=[bundle]),
        bundle: "",
        "/etc/ssl/certs/other.pem": "",
    }
    needed = run(entries).needed
    assert needed[bundle] == "certificates that libgnutls trusts by default"
    assert "/etc/ssl/certs/other.pem" not in needed


def test_time_zone_locale_and_unwinder() -> None:
    functions = ["localtime", "setlocale", "pthread_exit"]
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(needed=["libc.so.6"], imports=functions),
        "/usr/lib/libc.so.6": library(),
        "/usr/lib/libgcc_s.so.1": library(),
        "/etc/localtime": Link("../usr/share/zoneinfo/Etc/UTC"),
        "/usr/share/zoneinfo/Etc/UTC": "",
        "/usr/share/zoneinfo/Europe/Prague": "",
        "/usr/share/zoneinfo/Europe/Paris": "",
        "/usr/lib/locale/C.utf8/LC_CTYPE": "",
        "/usr/lib/locale/de_DE.utf8/LC_CTYPE": "",
    }
    needed = set(run(entries, env=("TZ=Europe/Prague", "LANG=C.UTF-8")).needed)
    assert {
        "/usr/share/zoneinfo/Etc/UTC", "/usr/share/zoneinfo/Europe/Prague",
        "/usr/lib/locale/C.utf8/LC_CTYPE", "/usr/lib/libgcc_s.so.1",
    } <= needed  # fmt: skip
    assert not needed & {
        "/usr/share/zoneinfo/Europe/Paris", "/usr/lib/locale/de_DE.utf8/LC_CTYPE",
    }  # fmt: skip


def test_zones_that_a_program_sets_itself_are_kept() -> None:
    zones = ["/usr/share/zoneinfo/Europe/Paris", "/usr/share/zoneinfo/Europe/Rome"]
    strings = ["Europe/Paris", "Some/Words"]
    program_ = program("", tiny_elf(imports=["tzset"], strings=strings))
    found = run({"/usr/bin/server": program_} | dict.fromkeys(zones, "TZif"))
    assert found.needed[zones[0]] == "time zone Europe/Paris is written in /usr/bin/server"
    assert zones[1] not in found.needed


def test_the_name_it_is_started_by_is_kept() -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(),
        "/usr/local/bin/serve": Link("../../bin/server"),
        "/bin": Link("usr/bin"),
    }
    path = "PATH=/usr/local/bin:/bin"
    needed = run(entries, argv=("serve",), env=(path,)).needed
    assert needed["/usr/local/bin/serve"] == "the name that the program is started by"
    assert "/bin" in run(entries, argv=("server",), env=(path,)).needed


def test_a_neutral_locale_that_the_program_asks_for_itself_is_kept() -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(imports=["setlocale"], strings=["C.UTF-8"]),
        "/usr/lib/locale/C.utf8/LC_CTYPE": "",
        "/usr/lib/locale/de_DE.utf8/LC_CTYPE": "",
    }
    needed = run(entries).needed
    because = "locale C.UTF-8 is written in /usr/bin/server"
    assert needed["/usr/lib/locale/C.utf8/LC_CTYPE"] == because
    assert "/usr/lib/locale/de_DE.utf8/LC_CTYPE" not in needed


UTC_FILE = b"TZif2\0UTC\0\nUTC0\n"


@pytest.mark.parametrize(
    ("zone", "reader", "is_kept"),
    [
        (UTC_FILE, [], False),  # what libc takes without the file
        (b"TZif2\0CET\0\nCET-1CEST\n", [], True),
        (UTC_FILE, ["/etc/localtime"], True),  # it may look where the link leads
    ],
)
def test_universal_time_needs_no_file(zone: bytes, reader: list[str], is_kept: bool) -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(needed=["libc.so.6"], imports=["localtime"], strings=reader),
        "/usr/lib/libc.so.6": program("", tiny_elf(interpreter=None, strings=["/etc/localtime"])),
        "/etc/localtime": Link("../usr/share/zoneinfo/here"),
        "/usr/share/zoneinfo/here": zone,
    }
    assert ("/usr/share/zoneinfo/here" in run(entries).needed) is is_kept


def test_a_file_of_comments_is_as_none() -> None:
    entries: dict[str, Entry] = {
        "/usr/bin/server": server(needed=["libc.so.6"], imports=["getaddrinfo"]),
        "/usr/lib/libc.so.6": library(),
        "/etc/gai.conf": "# label ::1/128 0\n\n#scopev4 ::ffff:0.0.0.0/96\n",
        "/etc/host.conf": "# see host.conf(5)\nmulti on\n",
    }
    needed = run(entries).needed
    assert "/etc/host.conf" in needed
    assert "/etc/gai.conf" not in needed


def test_arguments_environment_volumes_and_working_directory() -> None:
    found = run(
        {
            "/usr/bin/server": server(),
            "/data/a.cfg": "",
            "/x/b.cfg": "",
            "/opt/conf/c": "",
            "/vol/d": "",
            "/app/e": "",
        },
        ImageConfig(volumes=("/vol",)),
        argv=("server", "--config=/data/a.cfg", "../x/b.cfg"),
        env=("CONF_DIR=/opt/conf", "PATH=/usr/bin"),
        cwd="/app",
    )
    assert {"/data/a.cfg", "/x/b.cfg", "/opt/conf/c", "/vol/d", "/app/e"} <= set(found.needed)


@pytest.mark.parametrize("name", ["/bin/ls", "/usr/bin/python3", "/usr/bin/git", "/usr/bin/perl"])
def test_closure_is_what_ld_so_of_this_machine_loads(name: str) -> None:
    if not Path(name).exists():
        pytest.skip(f"{name} is not installed")
    listed = subprocess.run(["ldd", name], capture_output=True, text=True, check=True).stdout
    paths = re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listed, re.MULTILINE)
    exe = os.path.realpath(name)
    entries = host_entries([*paths, exe, "/etc/ld.so.cache"])
    needed = {path for path, reason in _closure_of(entries, exe).items()}
    assert {os.path.realpath(path) for path in paths} <= needed
    assert {path for path in needed if path.startswith("/usr/lib")} <= set(entries)


def _closure_of(entries: dict[str, Entry], exe: str) -> dict[str, str]:
    found = run({"/usr/bin/server": None} | entries, exe=exe, argv=(exe,))
    linked = set(found.elves)
    return {path: found.needed[path] for path in linked}


def test_what_a_kept_program_loads_is_kept_and_what_it_calls_counts() -> None:
    found = run(
        {
            "/usr/bin/server": server(),
            "/usr/bin/other": server(needed=["libother.so"]),
            "/usr/lib/libother.so": library(),
            "/usr/bin/words": b"no program",
        },
        stripping=Stripping(keep=(Rule("/usr/bin/*", "--keep /usr/bin/*"),)),
    )
    assert set(found.elves) == {
        "/usr/bin/server", LOADER, "/usr/bin/other", "/usr/lib/libother.so",
    }  # fmt: skip
    assert found.needed["/usr/lib/libother.so"] == "DT_NEEDED libother.so of /usr/bin/other"
