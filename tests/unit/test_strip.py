"""What is left of an image: every path decided, accounts without passwords, nothing setuid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from trees import Entry, Link, image, program

from dock2uk.contents import Held
from dock2uk.errors import Dock2ukError
from dock2uk.model import (
    Analysis,
    Drop,
    Entrypoint,
    ImageConfig,
    Keep,
    Node,
    NodeType,
    Package,
    Rootfs,
    Rule,
    StripMode,
    Stripping,
)
from dock2uk.strip import strip

AS_NEEDED = Stripping()

PASSWD = (
    "root:$6$secret:0:0:root:/root:/bin/bash\n"
    "daemon:x:1:1::/:/bin/sh\n"
    "web:x:33:33:web,,,:/var/www:/bin/sh\n"
    "mail:x:8:8::/:/bin/sh\n"
    "app:x:1000:1000::/home/app:/bin/sh\n"
)
GROUP = "root:x:0:\nweb:x:33:app,mail\nmail:x:8:\nlogs:x:4:\n"
IMAGE: dict[str, Entry] = {
    "/bin": Link("usr/bin"),
    "/usr/bin/server": program("", b"\0www-data\0"),
    "/usr/bin/bash": program("", b""),
    "/usr/bin/dpkg": program("", b""),
    "/usr/bin/su": program("", b"", mode=0o4755),
    "/usr/share/doc/x/copyright": "",
    "/usr/lib/libx.so": program("", b""),
    "/etc/passwd": PASSWD,
    "/etc/group": GROUP,
    "/etc/shadow": "root:$6$secret:1:::::::\n",
    "/etc/server.conf": "user web;\n# user daemon;\nspool mail;\n",
    "/data/one/file": "",
    "/data/one/link": Link("../two"),
    "/data/two": "",
    "/tmp": Node("/tmp", NodeType.DIRECTORY, 0o1777, 0, 0, 0),
    "/tmp/left": "",
    "/dev/null": Node("/dev/null", NodeType.CHARACTER_DEVICE, 0o666, 0, 0, 0, device=(1, 3)),
}


def arguments(needed: Sequence[str], **given: Any) -> tuple[Entrypoint, Analysis]:
    """An entrypoint and an analysis of the image above."""
    values: dict[str, Any] = {
        "exe": "/usr/bin/server", "argv": ("server",), "env": (), "cwd": "/", "uid": 1000,
        "gid": 1000, "groups": (1000,), "umask": 0o022, "stop_signal": 15, "ports": (),
        "method": "elf", "evidence": (),
    }  # fmt: skip
    package = Package("libx", "1", "libx", ("/usr/lib/libx.so",))
    analysis = Analysis({}, dict.fromkeys(needed, "a reason"), (package,), ())
    return Entrypoint(**(values | given)), analysis


def run(
    entries: dict[str, Entry] | None = None,
    needed: Sequence[str] = ("/usr/bin/server", "/etc/server.conf"),
    stripping: Stripping = AS_NEEDED,
    volumes: tuple[str, ...] = (),
    **given: Any,
) -> Rootfs:
    config = ImageConfig(volumes=volumes)
    entrypoint, analysis = arguments(needed, **given)
    return strip(image(IMAGE | (entries or {}), config), entrypoint, analysis, stripping)


def keeping(*patterns: str, **more: Any) -> Stripping:
    return Stripping(keep=tuple(Rule(pattern, f"--keep {pattern}") for pattern in patterns), **more)


def dropping(*patterns: str, **more: Any) -> Stripping:
    return Stripping(drop=tuple(Rule(pattern, f"--drop {pattern}") for pattern in patterns), **more)


def decided(root: Rootfs) -> dict[str, Keep | Drop]:
    return {decision.path: decision for decision in root.decisions}


def node(root: Rootfs, path: str) -> Node:
    return next(node for node in root.nodes if node.path == path)


def text(root: Rootfs, path: str) -> str:
    content = node(root, path).content
    assert content is not None
    return content.read().decode()


def test_every_path_is_decided_once_in_path_order() -> None:
    root = run()
    tree = image(IMAGE).tree
    assert [decision.path for decision in root.decisions] == [node.path for node in tree]
    assert {node.path for node in root.nodes} == {
        decision.path for decision in root.decisions if isinstance(decision, Keep)
    }
    assert all(decision.because for decision in root.decisions)


def test_parents_come_with_what_is_kept_and_before_it() -> None:
    root = run(needed=["/data/one/file"])
    paths = [node.path for node in root.nodes]
    assert decided(root)["/data/one"] == Keep("/data/one", "directory of /data/one/file")
    assert paths.index("/data") < paths.index("/data/one") < paths.index("/data/one/file")


@pytest.mark.parametrize(
    ("path", "because"),
    [
        ("/usr/bin/bash", "shell"),
        ("/usr/bin/dpkg", "package manager or its database"),
        ("/usr/bin/su", "setuid or setgid file (mode 4755)"),
        ("/etc/shadow", "password hashes and delegated ids: no one logs in"),
        ("/dev/null", "device node: the runtime provides its own"),
    ],
)
def test_never_kept_even_when_needed_and_asked_for(path: str, because: str) -> None:
    root = run(needed=[path], stripping=keeping(path))
    assert decided(root)[path] == Drop(path, because)


def test_why_the_rest_is_dropped() -> None:
    found = decided(run())
    assert found["/usr/share/doc/x/copyright"].because == "documentation"
    assert found["/usr/lib/libx.so"].because.startswith("of package libx;")
    assert found["/data/two"].because == "nothing the program needs names it"
    assert found["/tmp/left"].because == "cache or temporary file"


def test_accounts_are_the_programs_and_have_no_password() -> None:
    root = run()
    assert text(root, "/etc/passwd") == (
        "root:*:0:0::/root:/usr/sbin/nologin\n"
        "web:*:33:33::/var/www:/usr/sbin/nologin\n"
        "app:*:1000:1000::/home/app:/usr/sbin/nologin\n"
    )
    assert text(root, "/etc/group") == "root:*:0:\nweb:*:33:app\n"
    said = {keep.path: keep.because for keep in root.added}
    assert "web (named in /etc/server.conf)" in said["/etc/passwd"]
    assert "app (the program runs as it)" in said["/etc/passwd"]


def test_accounts_named_in_arguments_and_in_the_program() -> None:
    entries: dict[str, Entry] = {"/etc/passwd": PASSWD + "www-data:x:34:34::/:/bin/sh\n"}
    root = run(entries, needed=["/usr/bin/server"], argv=("server", "-u", "mail", "daemon off;"))
    names = [line.split(":")[0] for line in text(root, "/etc/passwd").splitlines()]
    assert names == ["root", "mail", "app", "www-data"]


def test_accounts_named_in_variables_and_in_configuration_anywhere() -> None:
    entries: dict[str, Entry] = {"/srv/server.conf": "User mail\n"}
    root = run(entries, needed=["/srv/server.conf"], env=("RUN_GROUP=logs", "MODE=daemon"))
    assert "mail:" in text(root, "/etc/passwd")
    assert "daemon:" not in text(root, "/etc/passwd")
    assert "logs:" in text(root, "/etc/group")


def test_program_that_is_setuid_loses_the_bit() -> None:
    root = run({"/usr/bin/server": program("", b"", mode=0o6755)})
    assert node(root, "/usr/bin/server").mode == 0o755
    assert any("setuid/setgid bits cleared: 6755 to 0755" in keep.because for keep in root.added)


def test_no_shell_by_any_link() -> None:
    entries: dict[str, Entry] = {"/usr/bin/sh": Link("bash"), "/opt/tool": Link("/bin/bash")}
    root = run(entries, stripping=keeping("/usr/bin/sh", "/opt/tool"))
    kept = {node.path for node in root.nodes}
    assert not kept & {"/usr/bin/sh", "/usr/bin/bash"}


def test_keep_takes_directories_patterns_and_where_links_lead() -> None:
    kept = {node.path for node in run(stripping=keeping("/data/o*")).nodes}
    assert {"/data/one/file", "/data/one/link"} <= kept
    assert {"/data/two"} <= {node.path for node in run(stripping=keeping("data/one/link")).nodes}
    assert "/usr/share/doc/x/copyright" in {
        n.path for n in run(stripping=keeping("/usr/share/doc")).nodes
    }


def test_keep_of_nothing_is_an_error() -> None:
    with pytest.raises(Dock2ukError, match="--keep /nope/\\*: no such path"):
        run(stripping=keeping("/nope/*"))


def test_empty_directories_programs_write_to() -> None:
    assert node(run(), "/tmp").mode == 0o1777


def test_missing_working_directory_is_made() -> None:
    root = run(cwd="/work/here")
    assert node(root, "/work").type is NodeType.DIRECTORY
    assert [keep.path for keep in root.added if "working directory" in keep.because] == [
        "/work",
        "/work/here",
    ]


def test_missing_volumes_are_made_where_links_lead() -> None:
    entries: dict[str, Entry] = {"/run": None, "/var/run": Link("/run")}
    root = run(entries, volumes=("/var/run/state",))
    assert node(root, "/run/state").type is NodeType.DIRECTORY
    assert "/var/run/state" not in {node.path for node in root.nodes}


def test_home_is_kept_without_what_is_in_it() -> None:
    root = run({"/home/app/.profile": ""}, env=("HOME=/home/app",))
    kept = {node.path for node in root.nodes}
    assert "/home/app" in kept
    assert "/home/app/.profile" not in kept


def test_no_shell_by_any_name() -> None:
    entries: dict[str, Entry] = IMAGE | {"/app/zsh": program("", b"shell")}
    entrypoint, analysis = arguments(needed=["/app/run", "/app/zsh"])
    linked = image(entries, links={"/app/run": "/usr/bin/bash"})
    root = strip(linked, entrypoint, analysis, AS_NEEDED)
    assert decided(root)["/app/run"] == Drop("/app/run", "shell")
    assert decided(root)["/app/zsh"] == Drop("/app/zsh", "shell")


def test_passwords_do_not_stay_under_another_name() -> None:
    entries: dict[str, Entry] = IMAGE | {
        "/etc/passwd": Link("../usr/etc/passwd"),
        "/usr/etc/passwd": PASSWD,
        "/etc/shadow": Link("../data/shadow"),
        "/data/shadow": "root:$6$secret:1:::::::\n",
    }
    links = {"/data/again": "/data/shadow", "/data/copy": "/usr/etc/passwd"}
    entrypoint, analysis = arguments(needed=["/etc/passwd", "/usr/etc/passwd"])
    root = strip(image(entries, links=links), entrypoint, analysis, keeping("/data"))
    kept = {node.path for node in root.nodes}
    assert not kept & {"/data/shadow", "/data/again", "/data/copy", "/etc/shadow"}
    assert "secret" not in text(root, "/usr/etc/passwd")


def test_odd_images_are_no_error() -> None:
    odd: dict[str, Entry] = {
        "/etc/passwd": Link("/loop"),
        "/loop": Link("/loop"),
        "/etc/group": None,
        "/usr/bin/sh": None,
        "/x\n": b"\xff",
    }
    assert run(odd, needed=["/gone", "/loop"], stripping=keeping("/loop")).nodes
    empty = run({"/etc/passwd": b"\xff\0::::::\n", "/etc/group": Held(b"").read()})
    assert text(empty, "/etc/passwd") == ""


def in_mode(mode: StripMode, *drop: str, **given: Any) -> Rootfs:
    rules = tuple(Rule(path, f"--drop {path}") for path in drop)
    return run(stripping=Stripping(mode, drop=rules), **given)


def test_safe_drops_only_what_is_dangerous_or_dead() -> None:
    root = in_mode(StripMode.SAFE)
    dropped = {path for path, one in decided(root).items() if isinstance(one, Drop)}
    gone = {"/usr/bin/bash", "/usr/bin/dpkg", "/etc/shadow", "/tmp/left", "/dev/null"}
    assert dropped == gone | {
        "/usr/share/doc",
        "/usr/share/doc/x",
        "/usr/share/doc/x/copyright",
    }
    assert node(root, "/usr/bin/su").mode == 0o755
    assert "web" in text(root, "/etc/passwd")
    assert "daemon" not in text(root, "/etc/passwd")


def test_none_leaves_the_image_as_it_is() -> None:
    root = in_mode(StripMode.NONE)
    assert {path for path, one in decided(root).items() if isinstance(one, Drop)} == {"/dev/null"}
    assert node(root, "/usr/bin/su").mode == 0o4755
    assert text(root, "/etc/passwd") == PASSWD
    assert not root.added


def test_a_rule_drops_what_is_needed_and_says_so() -> None:
    root = in_mode(StripMode.CLOSURE, "/etc/server.conf")
    assert decided(root)["/etc/server.conf"] == Drop("/etc/server.conf", "--drop /etc/server.conf")
    assert root.notes == (
        "/etc/server.conf is dropped, though needed (a reason): --drop /etc/server.conf",
    )


def test_a_rule_may_not_drop_the_program() -> None:
    with pytest.raises(Dock2ukError, match="/usr/bin/server is what the image runs"):
        in_mode(StripMode.SAFE, "/usr")


def test_what_is_to_be_kept_and_may_not_is_said() -> None:
    root = run(stripping=keeping("/usr/bin/bash"))
    assert root.notes == ("--keep /usr/bin/bash: /usr/bin/bash is dropped all the same: shell",)


def test_a_link_goes_with_what_it_leads_to() -> None:
    entries: dict[str, Entry] = {
        "/data/hashes": Link("../etc/shadow"),
        "/data/null": Link("/dev/null"),
    }
    found = decided(run(entries, stripping=Stripping(StripMode.SAFE)))
    lost = found["/data/hashes"]
    assert isinstance(lost, Drop)
    assert lost.because.startswith("leads to /etc/shadow, which is dropped: password hashes")
    assert isinstance(found["/data/null"], Keep)  # the runtime makes it


def test_a_script_without_its_interpreter_may_not_be_executed() -> None:
    script = program("", b"#! /bin/bash -e\n")
    root = run({"/data/run": script}, stripping=Stripping(StripMode.SAFE))
    assert node(root, "/data/run").mode == 0o644
    assert node(in_mode(StripMode.NONE, entries={"/data/run": script}), "/data/run").mode == 0o755
