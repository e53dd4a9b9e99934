"""Wrapper scripts: what is seen through, what is noted, and what is refused with its line."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from tiny_elf import tiny_elf
from trees import Entry, Link, image, program, read_entrypoint

from dock2uk.entrypoint.chain import Resolved, follow
from dock2uk.entrypoint.launch import first_launch
from dock2uk.errors import UnsupportedError
from dock2uk.model import Entrypoint, ImageConfig, Node, NodeType, ResourceLimit

SERVER = ("server", "-x", "a b")


def resolve(script: str, cmd: tuple[str, ...] = SERVER) -> Entrypoint:
    """Resolve an image whose entrypoint is this script."""
    entries: dict[str, Entry] = {
        "/bin/sh": program("", tiny_elf()),
        "/bin/other": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/start": program("", script.encode()),
    }
    return read_entrypoint(image(entries, ImageConfig(entrypoint=("/start",), cmd=cmd)))


def refusal(script: str, cmd: tuple[str, ...] = SERVER) -> str:
    with pytest.raises(UnsupportedError) as caught:
        resolve(script, cmd)
    return "; ".join(caught.value.reasons)


def test_arguments_become_the_program() -> None:
    found = resolve('#!/bin/sh\nset -e\nexec "$@"\n')
    assert (found.exe, found.argv, found.method) == ("/usr/bin/server", SERVER, "wrapper script")


def test_words_before_the_arguments() -> None:
    assert resolve('#!/bin/sh\nexec server --fast "$@"', ("a",)).argv == ("server", "--fast", "a")


def test_comments_quotes_and_here_documents_hide_no_exec() -> None:
    found = resolve(
        "#!/bin/sh\n"
        "# exec other\n"
        "echo 'exec other\nexec other' \"exec other\" # exec other\n"
        "cat <<EOF > /tmp/x\nexec other (\nEOF\n"
        "cat <<-'END'\n\texec other $(\n\tEND\n"
        'echo $(exec other) `exec other` "${A:-exec other}"\n'
        'exec "$@"\n'
    )
    assert found.exe == "/usr/bin/server"


def test_start_up_work_is_listed_by_line_and_not_run() -> None:
    found = resolve(
        "#!/bin/sh\n"
        "set -eu\n"
        'say() { echo "$@"; }\n'
        "mkdir -p /var/cache/x 2>/dev/null\n"
        "if [ -w /proc/data ]; then\n"
        "  chown x /data\n"
        "fi\n"
        'if [ "$1" = other ]; then\n'
        "  touch /never\n"
        "fi\n"
        "say hello\n"
        'exec "$@"\n'
    )
    noted = [line for line in found.evidence if "start-up work" in line]
    assert noted == [
        "/start:4: start-up work not run (as written): `mkdir -p /var/cache/x 2>/dev/null`",
        "/start:6: start-up work not run (under a condition, as written): `chown x /data`",
    ]


def test_what_always_happens_is_applied() -> None:
    found = resolve("#!/bin/sh\nexport MODE='a b' X=1\numask 0077\ncd /usr\nexec \"$@\"\n")
    assert {"MODE=a b", "X=1"} <= set(found.env)
    assert (found.umask, found.cwd) == (0o077, "/usr")


def test_an_export_that_may_not_happen_is_no_environment() -> None:
    known = resolve('#!/bin/sh\n[ -e /x ] && export B=1\n[ -e /bin ] && export C=1\nexec "$@"\n')
    assert not any(entry.startswith("B=") for entry in known.env)
    assert "C=1" in known.env
    reason = refusal('#!/bin/sh\n[ -e /proc/x ] && export B=1\nexec "$@"\n')
    assert "gets B in its environment, but /start line 2" in reason
    reason = refusal('#!/bin/sh\n[ -e /proc/x ] && export B=1\nB=2\nexec "$@"\n')
    assert "gets B in its environment or not" in reason


def test_sourcing_in_a_pipeline_is_a_process_of_its_own() -> None:
    script = (
        "#!/bin/sh\n"
        "find /d -print | sort | while read -r f; do\n"
        '  case "$f" in\n'
        '    *.envsh) . "$f" ;;\n'
        '    (*.sh) "$f";;\n'
        "    *) ;;\n"
        "  esac\n"
        "done\n"
        'exec "$@"\n'
    )
    assert resolve(script).exe == "/usr/bin/server"


DEFAULTED = """\
#!/bin/sh
set -e
# first arg is `-f` or `--some-option`, or there is none
if [ $# -eq 0 ] || [ "${1#-}" != "$1" ]; then
    set -- server "$@"
elif [ "$1" = other ]; then
    echo other
else
    touch /ran
fi
exec "$@"
"""


@pytest.mark.parametrize(
    ("cmd", "argv"),
    [
        ((), ("server",)),
        (("-v", "x"), ("server", "-v", "x")),
        (("other", "-v"), ("other", "-v")),
        (("server", "--", "-v"), ("server", "--", "-v")),
    ],
)
def test_arguments_that_the_script_completes(cmd: tuple[str, ...], argv: tuple[str, ...]) -> None:
    found = resolve(DEFAULTED, cmd)
    assert found.argv == argv
    is_noted = any("touch /ran" in line for line in found.evidence)
    assert is_noted == (cmd[:1] == ("server",))


def test_a_script_that_starts_itself_again_as_another_user() -> None:
    script = """\
#!/bin/bash
if [ "${1:0:1}" = '-' ]; then set -- server "$@"; fi
if [ "$1" = 'server' -a "$(id -u)" = '0' ]; then
    find . \\! -user app -exec chown app '{}' +
    exec gosu app "$0" "$@"
fi
[[ "$1" == server* ]] && umask 0077
exec "$@"
"""
    entries: dict[str, Entry] = {
        "/bin/bash": program("", tiny_elf()),
        "/usr/bin/gosu": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/start": program("", script.encode()),
        "/etc/passwd": "root:x:0:0::/root:/bin/sh\napp:x:99:98::/home/app:/bin/sh\n",
    }
    found = read_entrypoint(image(entries, ImageConfig(entrypoint=("/start",), cmd=("-v",))))
    assert (found.exe, found.argv) == ("/usr/bin/server", ("server", "-v"))
    assert (found.uid, found.gid, found.umask) == (99, 98, 0o077)
    assert any("start-up work not run" in line and "find ." in line for line in found.evidence)


def test_variables_of_the_environment() -> None:
    script = '#!/bin/sh\n[ -z "$MODE" ] && set -- other\nMODE=b\nexec "$@" "${EXTRA:-none}"\n'
    entries: dict[str, Entry] = {
        "/bin/sh": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/start": program("", script.encode()),
    }
    config = ImageConfig(entrypoint=("/start",), cmd=("server",), env=("MODE=a",))
    changed = read_entrypoint(image(entries, config))
    assert changed.argv == ("server", "none")
    assert "MODE=b" in changed.env
    fixed = {"/start": program("", script.replace("MODE=b", "umask 027").encode())}
    found = read_entrypoint(image(entries | fixed, config))
    assert found.argv == ("server", "none")
    kept = {"/start": program("", b'#!/bin/sh\nMODE=b\nOWN=c\nexec "$@"\n')}
    env = read_entrypoint(image(entries | kept, config)).env
    assert "MODE=b" in env
    assert "OWN=c" not in env


def test_scripts_that_call_scripts() -> None:
    entries: dict[str, Entry] = {
        "/bin/sh": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/one": program("", b'#!/bin/sh\nexec /two --flag "$@"\n'),
        "/two": program("", b'#!/bin/sh\nexec server "$@"\n'),
    }
    found = read_entrypoint(image(entries, ImageConfig(entrypoint=("/one",), cmd=("a",))))
    assert found.argv == ("server", "--flag", "a")


def test_a_script_that_calls_itself_ends() -> None:
    assert "start one another" in refusal('#!/bin/sh\nexec /start "$@"\n')


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('if [ -e /proc/x ]; then\n exec other\nfi\nexec "$@"', "line 3: may exec another program"),
        ('[ -e /proc/x ] && exec other\nexec "$@"', "line 2: may exec another program"),
        ('[ -e /proc/x ] && set -- other "$@"\nexec "$@"', "line 2: changes the arguments"),
        ('for x in $(date); do shift; done\nexec "$@"', "line 2: changes the arguments"),
        ('shift 9\nexec "$@"', "line 2: changes the arguments"),
        ('set -- $(date)\nexec "$@"', "line 2: changes the arguments"),
        ('A=$(date)\n[ "$A" ] && exec other\nexec "$@"', "line 3: may exec another program"),
        ('case $(date) in s*) exec other;; esac\nexec "$@"', "line 2: may exec another program"),
        ('if [ 1 = 1 ] && [ -e /proc/x ]; then\nexec other\nfi\nexec "$@"', "line 3: may exec"),
        ('if { if date; then date; fi; }; then\nexec other\nfi\nexec "$@"', "line 3: may exec"),
        ('PATH=$(x)\nexec "$@"', "line 2: changes PATH"),
        ('export PATH=/x:$Y$(z)\nexec "$@"', "line 2: changes PATH"),
        ('run() { exec other; }\ndate && run\nexec "$@"', "line 2: may exec another program"),
        ('. /lib.sh\nexec "$@"', "line 2: reads commands that cannot be seen here"),
        ('eval "$(date)"\nexec "$@"', "line 2: reads commands that cannot be seen here"),
        ('exit 1\nexec "$@"', "line 2: ends before the last line"),
        ('if false; then exec "$@"; fi', "line 2: the last line is no `exec PROGRAM"),
        ('(exec "$@")', "line 2: the last line is no `exec PROGRAM"),
        ('main() { exec $(date); }\nmain "$@"', "line 2: is not `exec PROGRAM"),
        ("exec $(date)", "line 2: is not `exec PROGRAM"),
        ("exec $SERVER", "is not `exec PROGRAM"),
        ('exec "$@" >/var/log/x', "is not `exec PROGRAM"),
        ('server "$@"', "the last line is no `exec PROGRAM"),
        ('exec "$@', "line 2: syntax that is not read here"),
        ('cat <<EOF\nexec "$@"', "line 2: the last line is no `exec PROGRAM"),
        ('if true\nexec "$@"', "line 2: syntax that is not read here"),
        ('fi\nexec "$@"', "line 2: syntax that is not read here: `fi`"),
        ('A=(x y)\nexec "$@"', "line 2: an array is not read alike by"),
        ("", "runs nothing"),
    ],
)
def test_refused_with_the_line(script: str, reason: str) -> None:
    assert reason in refusal(f"#!/bin/sh\n{script}\n")


def test_a_function_never_called_does_not_matter() -> None:
    assert resolve('#!/bin/sh\nusage() { exec other; }\nexec "$@"\n').exe == "/usr/bin/server"


@pytest.mark.parametrize(
    "cut", range(0, 120, 3), ids=lambda cut: f"first {cut} characters of a script"
)
def test_a_script_cut_anywhere_is_refused_not_a_crash(cut: int) -> None:
    script = (
        'set -e\nf() {\n if [ "$1" ]; then\n  echo "${A:-$(date)}" <<E\nx\nE\n fi\n}\n'
        'case $1 in a|b) f;; esac\nwhile :; do break; done\nexec "$@"\n'
    )
    try:
        found = resolve("#!/bin/sh\n" + script[:cut])
    except UnsupportedError:
        return
    assert found.exe == "/usr/bin/server"


# ------------------------------------------------------------------ work that is left out


def followed(script: str, entries: dict[str, Entry] | None = None) -> Resolved:
    base: dict[str, Entry] = {
        "/bin/bash": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/start": program("", f"#!/bin/bash\n{script}\n".encode()),
    }
    whole = image(base | (entries or {}), ImageConfig(entrypoint=("/start",), cmd=("server",)))
    return follow(whole.tree, first_launch(whole))


def test_work_left_out_is_carried_to_the_end() -> None:
    found = followed(
        "mkdir -p /data\ngrep x /etc/y\necho a\necho b > /data/b 2>/dev/null\n"
        '{ date; migrate; } | cat\nexec "$@"'
    )
    assert found.launch.left_out == (
        "/start:2: mkdir -p /data",
        "/start:5: echo b > /data/b 2>/dev/null",
        "/start:6: migrate",
    )
    again = followed(
        '[ "$X" ] || { touch /a; X=1 exec "$0" "$@"; }\ntouch /b\nexport -n X\nexec "$@"'
    )
    assert again.launch.left_out == ("/start:2: touch /a", "/start:3: touch /b")
    assert again.launch.variable("X") is None


@pytest.mark.parametrize(
    ("work", "test", "is_known"),
    [
        (":", "-e /made", True),
        ("mkdir -p /made/in", "-e /made", False),
        ("mkdir -p /made/in", "-e /made/in/it", True),
        ("mkdir -p /elsewhere", "-e /made", True),
        ("touch /link/made", "-e /place/made", False),
        ("echo x > made", "-e /made", False),
        ("cp -r /a /made", "-e /made/in/it", False),
        ("chown -R app /made", "-e /made/in/it", True),
        ("find / -name x -exec chown app {} +", "-e /made", True),
        ("find / -name x -delete", "-e /made", False),
        ("sed -n p /made", "-e /made", True),
        ("sed -i s/a/b/ /made", "-s /made", False),
        ("tar -C /made -xf /a.tar", "-e /made/x", False),
        ("tar -C /elsewhere -xf /a.tar", "-e /made/x", True),
        ('rm -f "$(date)"', "-e /made", False),
        ("unheard-of", "-e /made", False),
        (":", "-e /proc/made", False),
        (":", "-s /etc/hosts", False),
    ],
)
def test_a_file_is_known_while_no_work_left_out_could_have_changed_it(
    work: str, test: str, is_known: bool
) -> None:
    entries: dict[str, Entry] = {"/place": None, "/link": Link("/place")}
    script = f'{work}\nif [ {test} ]; then set -- server made; fi\nexec "$@"'
    if is_known:
        assert followed(script, entries).launch.argv == ("server",)
        return
    with pytest.raises(UnsupportedError, match="line 3: changes the arguments or not"):
        followed(script, entries)


def test_a_user_changes_only_what_it_may_write_to() -> None:
    owned = Node("", NodeType.DIRECTORY, 0o755, 99, 99, 0)
    entries: dict[str, Entry] = {
        "/bin/bash": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/start": program("", b'#!/bin/bash\nunheard-of\n[ -e "$PLACE" ] && shift\nexec "$@"\n'),
        "/own": owned,
        "/root-only": None,
    }

    def argv(place: str) -> tuple[str, ...]:
        config = ImageConfig(
            entrypoint=("/start",), cmd=("a", "server"), user="99", env=(f"PLACE={place}",)
        )
        return read_entrypoint(image(entries, config)).argv

    assert argv("/usr/bin/server") == ("server",)
    with pytest.raises(UnsupportedError, match="'a' is not in the image"):
        argv("/root-only/x")
    with pytest.raises(UnsupportedError, match="changes the arguments or not"):
        argv("/own/x")


def test_a_way_that_fails_is_left_out_and_said() -> None:
    found = followed('if ! check; then\n  echo no >&2\n  exit 1\nfi\ncheck || exit\nexec "$@"')
    assert found.launch.argv == ("server",)
    said = [line for line in found.launch.evidence if "taken not to" in line]
    assert [line.split(":")[0] for line in said] == ["/start line 4", "/start line 6"]
    with pytest.raises(UnsupportedError, match="line 2: ends before the last line"):
        followed('check && exit 0\nexec "$@"')


def test_what_a_shell_exports_of_its_own() -> None:
    env = dict(e.split("=", 1) for e in followed('cd /usr\nexec "$@"').launch.env)
    assert (env["PWD"], env["OLDPWD"], env["SHLVL"]) == ("/usr", "/", "0")


def test_the_host_name_is_not_known() -> None:
    assert followed('exec "$@"').launch.variable("HOSTNAME") == "test"
    with pytest.raises(UnsupportedError, match="is not `exec PROGRAM"):
        followed('exec "$@" --name "$HOSTNAME"')


def test_limits_that_start_up_sets() -> None:
    found = followed('ulimit -n 4096\nulimit -c unlimited\nexec "$@"').launch.limits
    assert found == (
        ResourceLimit("RLIMIT_NOFILE", 4096, 4096),
        ResourceLimit("RLIMIT_CORE", None, None),
    )


@pytest.mark.parametrize(
    "script",
    [
        "while :; do X=1; done", "f() { f; }\nf", 'X=a; while :; do X="$X$X"; done',
        "while check; do X=$X.; done\nexec server", "eval " * 50 + "exec server",
        "i=0; while [ $i -lt 99999 ]; do i=$((i+1)); done; exec server", "((((((" * 40, "$(" * 400,
        "if x; then " * 300, "{ " * 2000 + "exec server;" + " }" * 2000,
    ],
    ids=range(10),
)  # fmt: skip
def test_evaluation_is_bounded(script: str) -> None:
    start = time.perf_counter()
    with suppress(UnsupportedError):
        assert followed(script).launch.argv == ("server",)
    assert time.perf_counter() - start < 5
