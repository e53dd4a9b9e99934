"""Figures that a name, a link or a second line for one thing would get wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dock2uk import dynamic_file
from dock2uk.contents import Held
from dock2uk.model import ElfFile, ImageConfig, Node, NodeType, Rootfs, Tree
from dock2uk.report import hardening_gaps
from dock2uk.report.account_metrics import account_metrics, identity_metrics
from dock2uk.report.hardening import hardening_metrics
from dock2uk.report.metrics import Metric, file_metrics
from dock2uk.report.program_metrics import program_metrics
from dock2uk.report.search_path import open_directories
from dock2uk.report.shells import shells
from tests.unit.tiny_elf import tiny_elf
from tests.unit.trees import Link, image, program, read_entrypoint, tree

NOTHING = Rootfs((), (), ())
PASSWD = "root:x:0:0::/:/bin/sh\ntoor::0:0::/:/bin/sh\nweb:x:33:33::/:/bin/false\n"
STATIC = Path("/sbin/ldconfig").read_bytes()  # any static program: nothing is run


def one_of(metrics: tuple[Metric, ...], name: str) -> Metric:
    return next(one for one in metrics if one.id == name)


def shell_paths(made: Tree) -> list[str]:
    return sorted(node.path for names in shells(tuple(made)) for node in names)


def test_a_binary_of_many_names_is_one_shell_with_all_of_them() -> None:
    made = tree({
        "/bin/busybox": program("", b"b"), "/bin/sh": Link("busybox"),
        "/bin/cat": Link("/bin/busybox"), "/bin/dash": program("", b"d"),
    })  # fmt: skip
    found = one_of(file_metrics(made, NOTHING), "shells")
    assert (found.before, found.evidence_before) == (
        2, ("/bin/busybox (0755 0:0), /bin/cat, /bin/sh", "/bin/dash (0755 0:0)"),
    )  # fmt: skip


def test_what_a_shell_s_name_leads_to_is_one() -> None:
    made = tree({"/bin/sh": Link("/opt/x"), "/opt/x": program("", b"x")})
    assert shell_paths(made) == ["/bin/sh", "/opt/x"]


@pytest.mark.parametrize(
    "path",
    [
        "/usr/bin/pip", "/usr/bin/pip3", "/usr/local/bin/pip3.11", "/venv/bin/pip",
        "/usr/local/bin/npm", "/usr/bin/npx", "/usr/bin/yarn", "/usr/bin/pnpm",
        "/usr/bin/corepack", "/usr/bin/gem3.1", "/usr/bin/bundle", "/usr/bin/composer",
        "/root/.cargo/bin/cargo", "/opt/conda/bin/conda", "/opt/conda/bin/mamba",
        "/usr/bin/poetry", "/usr/bin/uv", "/usr/local/go/bin/go",
        "/usr/bin/cpan5.36-x86_64-linux-gnu", "/usr/bin/apt",
    ],
)  # fmt: skip
def test_package_managers_of_languages_count(path: str) -> None:
    made = tree({path: program(""), "/usr/bin/gopher": program(""), "/srv/npm": program("")})
    found = one_of(file_metrics(made, NOTHING), "package_managers")
    assert (found.before, found.evidence_before) == (1, (f"{path} (0755 0:0)",))


@pytest.mark.parametrize(
    "name",
    [
        "perl", "perl5.36.0", "perl5.36-x86_64-linux-gnu", "python3.11", "python3.13t", "ruby3.1",
        "php8.2", "lua5.4", "node", "tclsh8.6", "micropython", "jruby", "platform-python3.6",
    ],
)  # fmt: skip
@pytest.mark.parametrize("directory", ["/usr/bin", "/usr/libexec", "/app/runtime"])
def test_interpreters_count_with_version_and_platform(name: str, directory: str) -> None:
    others = {f"/usr/bin/{one}": program("") for one in ("perlbug", "python3-config", "nodes")}
    texts = {f"/usr/share/doc/{name}": b"no program"}
    made = tree({f"{directory}/{name}": program("")} | others | texts)
    found = one_of(program_metrics(made, NOTHING, ""), "interpreters")
    assert found.evidence_before == (f"{directory}/{name} (0755 0:0)",)


@pytest.mark.parametrize(
    "name",
    [
        "pwsh", "sash", "nu", "elvish", "busybox-extras", "busybox.static", "bash-static",
        "zsh-5.9", "ksh2020",
    ],
)  # fmt: skip
@pytest.mark.parametrize("directory", ["/usr/bin", "/opt/tools"])
def test_shells_of_less_usual_names_are_shells(name: str, directory: str) -> None:
    others = {f"/usr/bin/{one}": program("", one.encode()) for one in ("shar", "bashbug", "num")}
    made = tree({f"{directory}/{name}": program("", b"s")} | others)
    assert shell_paths(made) == [f"{directory}/{name}"]


@pytest.mark.parametrize("name", ["wget2", "aws", "kubectl", "docker", "psql"])
def test_clients_of_services_are_network_tools(name: str) -> None:
    made = tree({f"/usr/local/bin/{name}": program(""), f"/etc/{name}": program("")})
    found = one_of(program_metrics(made, NOTHING, ""), "network_tools")
    assert found.evidence_before == (f"/usr/local/bin/{name} (0755 0:0)",)


def test_a_shell_under_another_name_is_one_without_a_namesake() -> None:
    dash = program("", Path("/bin/dash").read_bytes())
    assert shell_paths(tree({"/opt/helper": dash, "/opt/link": Link("helper")})) == [
        "/opt/helper", "/opt/link",
    ]  # fmt: skip


def test_programs_of_this_machine_that_are_no_shells_are_none() -> None:
    names = ("env", "sed", "grep", "perl", "tar", "getopt", "find")
    found = {f"/usr/bin/{name}": Path("/usr/bin", name) for name in names}
    made = {path: program("", at.read_bytes()) for path, at in found.items() if at.exists()}
    assert len(made) > 3
    assert shell_paths(tree(made)) == []


def test_a_program_of_many_names_is_one_elf_file() -> None:
    made = tree({"/bin/busybox": program("", STATIC)}, {"/bin/cat": "/bin/busybox"})
    found = one_of(file_metrics(made, NOTHING), "elf_executable")
    assert (found.before, found.evidence_before) == (1, ("/bin/busybox (0755 0:0)",))


def test_text_that_speaks_of_what_a_shell_has_is_none() -> None:
    assert shell_paths(tree({"/opt/x": program("", b"#!/x\nOPTIND\0getopts\0")})) == []


def test_a_link_is_followed_through_linked_directories() -> None:
    made = tree({
        "/bin": Link("usr/bin"), "/usr/bin/busybox": program("", b"b"),
        "/usr/bin/cat": Link("busybox"), "/opt/c": Link("/bin/cat"), "/opt/d": Link("../bin/cat"),
    })  # fmt: skip
    assert shell_paths(made) == ["/opt/c", "/opt/d", "/usr/bin/busybox", "/usr/bin/cat"]


@pytest.mark.parametrize(
    "links",
    [
        {"/opt/fish": Link("/usr/share/fish"), "/usr/share/fish": None},
        {"/usr/bin/sh": Link("dash")},
        {"/usr/bin/sh": Link("sh")},
        {"/a": Link("/b/x"), "/b": Link("/a")},
    ],
    ids=("directory", "dangling", "to itself", "round"),
)
def test_a_link_to_no_program_is_no_shell(links: dict[str, Link | None]) -> None:
    assert shell_paths(tree(links)) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("interpreters", "/usr/bin/python3.11"), ("interpreters", "/usr/sbin/php-fpm8.2"),
        ("interpreters", "/usr/lib/jvm/java-17-openjdk-amd64/bin/java"),
        ("network_tools", "/usr/bin/ssh"),
    ],
)  # fmt: skip
def test_the_program_itself_counts_where_it_can_be_turned(name: str, path: str) -> None:
    made = tree({path: program("")})
    found = one_of(program_metrics(made, Rootfs(tuple(made), (), ()), path), name)
    assert (found.before, found.after) == (1, 1)


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/php/20220829/curl.so",
        "/usr/local/lib/php/extensions/no-debug-non-zts-20230831/intl.so",
        "/usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
    ],
)
def test_extensions_of_interpreters_are_modules(path: str) -> None:
    found = one_of(program_metrics(tree({path: b"x"}), NOTHING, ""), "modules")
    assert (found.before, found.evidence_before) == (1, (f"{path} (0644 0:0)",))


LIBRARY = tiny_elf(interpreter=None)


def module_paths(entries: dict[str, bytes | Link]) -> list[str]:
    found = one_of(program_metrics(tree(entries), NOTHING, ""), "modules")
    return [line.partition(" ")[0] for line in found.evidence_before]


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/postgresql/15/lib/plpgsql.so", "/usr/lib/x86_64-linux-gnu/apr-util-1/dbd.so",
        "/usr/lib/x86_64-linux-gnu/perl-base/auto/Cwd/Cwd.so", "/usr/lib/jvm/17/lib/libnio.so",
        "/app/node_modules/x/build/Release/x.node",
    ],
)  # fmt: skip
def test_what_nobody_needs_outside_the_linker_s_directories_is_a_module(path: str) -> None:
    assert module_paths({path: LIBRARY}) == [path]


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/x86_64-linux-gnu/libx.so.1", "/lib64/libx.so", "/usr/local/lib/libx.so.1",
        "/usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libx.so.1",
        "/usr/lib/debug/.build-id/ab/cd.debug", "/opt/x/program",
    ],
)  # fmt: skip
def test_what_the_linker_finds_and_what_is_no_shared_object_is_no_module(path: str) -> None:
    assert module_paths({path: LIBRARY, "/opt/x/text.so": b"GROUP ( libx.so.1 )"}) == []


@pytest.mark.parametrize(
    "library",
    [
        {"/opt/x/libown.so.1": LIBRARY},
        {"/opt/x/libown.so.1.2": tiny_elf(interpreter=None, soname="libown.so.1")},
        {"/opt/x/libown.so.1.2": LIBRARY, "/opt/x/libown.so.1": Link("libown.so.1.2")},
    ],
    ids=("by its file's name", "by its soname", "by a link"),
)
def test_a_library_that_a_program_needs_is_no_module(library: dict[str, bytes | Link]) -> None:
    server = tiny_elf(needed=("libown.so.1",))
    assert module_paths(library | {"/opt/x/server": server}) == []
    assert module_paths(library) != []


def test_what_was_needed_by_what_is_dropped_is_no_module_afterwards() -> None:
    made = tree({"/opt/x/server": tiny_elf(needed=("liba.so",)), "/opt/x/liba.so": LIBRARY})
    kept = tuple(node for node in made if node.path == "/opt/x/liba.so")
    assert one_of(program_metrics(made, Rootfs(kept, (), ()), ""), "modules").after == 0


def test_an_account_without_a_password_in_both_files_is_one() -> None:
    made = tree({"/etc/passwd": PASSWD, "/etc/shadow": "toor::1::::::\nweb::1::::::\n"})
    found = one_of(account_metrics(made, NOTHING), "empty_passwords")
    assert (found.before, found.evidence_before) == (2, ("toor", "web"))


def test_a_password_is_found_where_it_was_before_and_where_groups_have_theirs() -> None:
    made = tree({
        "/etc/passwd": PASSWD + "+::::::\n-bad::::::\n",
        "/etc/shadow": "root:$6$a:1::::::\nweb:!:1::::::\n",
        "/etc/shadow-": "root:$6$a:1::::::\nweb:$6$b:1::::::\n", "/etc/gshadow": "web:$6$b::\n",
    })  # fmt: skip
    found = {one.id: one for one in account_metrics(made, NOTHING)}
    assert found["password_hashes"].evidence_before == (
        "root", "web in /etc/shadow-", "group web in /etc/gshadow",
    )  # fmt: skip
    figures = ("accounts", "login_accounts", "empty_passwords")
    assert [found[one].before for one in figures] == [3, 2, 1]  # none is of NIS


@pytest.mark.parametrize(
    ("name", "path", "count"),
    [
        ("privilege_rules", "/usr/lib/pam.d/login", 1),
        ("privilege_rules", "/usr/share/polkit-1/rules.d/50.rules", 1),
        ("privilege_rules", "/usr/etc/sudoers", 1), ("privilege_rules", "/etc/pam.conf", 1),
        ("privilege_rules", "/etc/sudo.conf", 0),
        ("scheduled", "/etc/rc.local", 1), ("scheduled", "/etc/rc.d/rc.local", 1),
        ("scheduled", "/etc/rc.d/init.d/x", 1), ("scheduled", "/etc/rcS.d/S01x", 1),
        ("scheduled", "/etc/inittab", 1), ("scheduled", "/etc/xinetd.d/x", 1),
        ("scheduled", "/etc/systemd/system/a.target.wants/x.service", 1),
        ("scheduled", "/etc/systemd/system/x.service.d/x.conf", 0),
    ],
)  # fmt: skip
def test_rules_count_wherever_they_are_read(name: str, path: str, count: int) -> None:
    for entry in (b"x", Link("/opt/x")):
        assert one_of(account_metrics(tree({path: entry}), NOTHING), name).before == count


def test_a_service_that_is_enabled_is_one_and_a_masked_one_none() -> None:
    made = tree({
        "/lib": Link("usr/lib"), "/usr/lib/systemd/system/x@.service": b"x",
        "/etc/systemd/system/a.target.wants/x@1.service": Link("/lib/systemd/system/x@.service"),
        "/etc/systemd/system/y.service": Link("/dev/null"),
    })  # fmt: skip
    assert one_of(account_metrics(made, NOTHING), "scheduled").evidence_before == (
        "/usr/lib/systemd/system/x@.service (0644 0:0)",
    )


@pytest.mark.parametrize(
    ("path", "count"),
    [("/etc/crontabs/root", 1), ("/etc/cron.d/job", 1), ("/etc/cron.d/.placeholder", 0)],
)
def test_what_starts_by_itself_is_what_a_scheduler_reads(path: str, count: int) -> None:
    assert one_of(account_metrics(tree({path: b"x"}), NOTHING), "scheduled").before == count


def identity(name: str, config: ImageConfig, listening: tuple[str, ...] = ()) -> Metric:
    made = image({"/app": program("", STATIC), "/etc/passwd": PASSWD}, config)
    plain = image({"/app": program("", STATIC)}, ImageConfig(entrypoint=("/app",)))
    entrypoint = replace(read_entrypoint(plain), listening=listening)
    return one_of(identity_metrics(made, NOTHING, entrypoint), name)


@pytest.mark.parametrize(
    ("user", "count"),
    [
        ("", 1), ("0", 1), ("00:5", 1), ("root", 1), ("toor:web", 1), ("33", 0), ("web", 0),
        ("nobody-knows", None),
    ],
)  # fmt: skip
def test_a_user_is_who_the_image_says_it_is(user: str, count: int | None) -> None:
    assert identity("begins_as_root", ImageConfig(user=user)).before == count


def test_who_runs_is_who_is_left_when_the_start_up_gave_up_its_rights() -> None:
    made = image({"/app": program("", STATIC), "/etc/passwd": PASSWD}, ImageConfig())
    plain = image({"/app": program("", STATIC)}, ImageConfig(entrypoint=("/app",)))
    dropped = replace(read_entrypoint(plain), uid=33, gid=33, method="gosu")
    metrics = identity_metrics(made, NOTHING, dropped)
    begins, runs = (one_of(metrics, name) for name in ("begins_as_root", "runs_as_root"))
    assert (begins.before, begins.after) == (1, 0)
    assert (runs.before, runs.after) == (0, 0)
    assert runs.evidence_before == ("User '', then user 33, group 33: gosu",)


@pytest.mark.parametrize(
    ("listening", "undeclared"),
    [
        (("tcp 0.0.0.0:53", "tcp 0.0.0.0:80"), ()),
        (("udp 0.0.0.0:53",), ("udp 0.0.0.0:53",)),
        (("tcp 0.0.0.0:81", "tcp [::]:81"), ("tcp 0.0.0.0:81",)),
        (("tcp 127.0.1.1:9", "tcp [::1]:9", "unix /run/x.sock"), ()),
        (("tcp 10.127.0.1:9",), ("tcp 10.127.0.1:9",)),
    ],
    ids=("declared", "other protocol", "two families", "loopback", "like loopback"),
)
def test_a_port_is_declared_for_its_protocol(
    listening: tuple[str, ...], undeclared: tuple[str, ...]
) -> None:
    found = identity("undeclared_ports", ImageConfig(exposed_ports=("53/tcp", "80")), listening)
    assert (found.before, found.evidence_before) == (len(undeclared), undeclared)


def test_ports_are_not_known_where_no_run_was_recorded() -> None:
    assert identity("undeclared_ports", ImageConfig()).before is None


@pytest.mark.parametrize(
    ("imports", "is_self_contained", "gaps"),
    [
        ({"memcpy", "strcpy"}, False, ("canary", "fortify")),
        ({"memcpy", "__strcpy_chk"}, False, ("canary",)),
        ({"qsort"}, False, ("canary",)),
        (set(), True, ()),
    ],
    ids=("plain", "checked", "nothing to check", "not known"),
)
def test_hardening_is_judged_by_what_is_imported(
    imports: set[str], is_self_contained: bool, gaps: tuple[str, ...]
) -> None:
    one = ElfFile(
        "/app", "ET_DYN", "x86_64", None, (), (), (), None, False, relro="full",
        imports=frozenset(imports), is_self_contained=is_self_contained,
    )  # fmt: skip
    assert hardening_gaps.found(one, ()).gaps == (*gaps, "ibt", "shstk")


@pytest.mark.parametrize(
    ("directory", "is_open"),
    [
        ("/tmp", True), ("/tmp/x", True), ("/tmplibs", False), ("/var/tmp/x", True),
        ("/dev/shm", True), ("", True), ("lib", True), ("../lib", True), ("$LIB", True),
        ("$ORIGIN/../lib", False), ("${ORIGIN}/shared", True), ("$ORIGIN/../../tmp", True),
        ("/opt/shared", True), ("/opt/shared/made/lib", True), ("/opt/shared/none", True),
        ("/opt/sticky", True), ("/opt/sticky/none/lib", True), ("/opt/sticky/made", False),
        ("/opt/link/lib", True), ("/nowhere", False), ("/opt/elf/x", False),
    ],
)  # fmt: skip
def test_a_search_path_is_open_where_others_may_fill_it(directory: str, *, is_open: bool) -> None:
    made = tree({
        "/opt/elf/app": program(""), "/opt/link": Link("shared"),
        "/opt/elf/shared": open_directory(0o777), "/opt/shared": open_directory(0o777),
        "/opt/shared/made": None, "/opt/sticky": open_directory(0o1777), "/opt/sticky/made": None,
    })  # fmt: skip
    by_path = {node.path: node for node in made}
    found = tuple(open_directories((directory,), "/opt/elf", by_path))
    assert found == ((directory,) if is_open else ())


def open_directory(mode: int) -> Node:
    return Node("", NodeType.DIRECTORY, mode, 0, 0, 0)


@pytest.mark.parametrize(
    ("search_path", "shown"),
    [("/x:", "/app: (working directory)"), (":", "/app: (working directory)"), ("/x", None)],
)
def test_an_empty_element_is_the_working_directory(search_path: str, shown: str | None) -> None:
    made = tree({"/app": program("", tiny_elf(runpath=search_path))})
    metrics = hardening_metrics(made, NOTHING)
    assert one_of(metrics, "elf_open_search_path").evidence_before == ((shown,) if shown else ())
    assert one_of(metrics, "elf_search_path").before == 1


def test_an_empty_element_is_told_and_brings_no_library() -> None:
    content = Held(tiny_elf(runpath="/x:"))
    assert dynamic_file.read("", content).runpath == ("/x",)
    assert dynamic_file.written_search_path(content) == ("/x", "")
