"""Wrapper scripts: what is seen through, what is noted, and what is refused with its line."""

from __future__ import annotations

import pytest
from tiny_elf import tiny_elf
from trees import Entry, image, program

from dock2uk import entrypoint
from dock2uk.errors import UnsupportedError
from dock2uk.model import Entrypoint, ImageConfig

SERVER = ("server", "-x", "a b")


def resolve(script: str, cmd: tuple[str, ...] = SERVER) -> Entrypoint:
    """Resolve an image whose entrypoint is this script."""
    entries: dict[str, Entry] = {
        "/bin/sh": program("", tiny_elf()),
        "/bin/other": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/start": program("", script.encode()),
    }
    return entrypoint.resolve(image(entries, ImageConfig(entrypoint=("/start",), cmd=cmd)))


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
        "if [ -w /data ]; then\n"
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
    found = resolve("#!/bin/sh\nexport MODE='a b' X=1\numask 0077\ncd /srv\nexec \"$@\"\n")
    assert {"MODE=a b", "X=1"} <= set(found.env)
    assert (found.umask, found.cwd) == (0o077, "/srv")


def test_conditional_export_is_not_applied() -> None:
    found = resolve('#!/bin/sh\n[ -e /x ] && export B=1\nexec "$@"\n')
    assert not any(entry.startswith("B=") for entry in found.env)
    assert any("`export B=1`" in line for line in found.evidence)


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
    found = entrypoint.resolve(image(entries, ImageConfig(entrypoint=("/start",), cmd=("-v",))))
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
    with pytest.raises(UnsupportedError, match="line 2: changes the arguments"):
        entrypoint.resolve(image(entries, config))  # MODE is the script's own: not looked at
    fixed = {"/start": program("", script.replace("MODE=b", "umask 027").encode())}
    found = entrypoint.resolve(image(entries | fixed, config))
    assert found.argv == ("server", "none")
    kept = {"/start": program("", b'#!/bin/sh\nMODE=b\nOWN=c\nexec "$@"\n')}
    env = entrypoint.resolve(image(entries | kept, config)).env
    assert "MODE=b" in env
    assert "OWN=c" not in env


def test_scripts_that_call_scripts() -> None:
    entries: dict[str, Entry] = {
        "/bin/sh": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/one": program("", b'#!/bin/sh\nexec /two --flag "$@"\n'),
        "/two": program("", b'#!/bin/sh\nexec server "$@"\n'),
    }
    found = entrypoint.resolve(image(entries, ImageConfig(entrypoint=("/one",), cmd=("a",))))
    assert found.argv == ("server", "--flag", "a")


def test_a_script_that_calls_itself_ends() -> None:
    assert "start one another" in refusal('#!/bin/sh\nexec /start "$@"\n')


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('if [ -e /x ]; then\n exec other\nfi\nexec "$@"', "line 3: may exec another program"),
        ('[ -e /x ] && exec other\nexec "$@"', "line 2: may exec another program"),
        ('[ -e /x ] && set -- other "$@"\nexec "$@"', "line 2: changes the arguments"),
        ('for x in a; do shift; done\nexec "$@"', "line 2: changes the arguments"),
        ('shift 9\nexec "$@"', "line 2: changes the arguments"),
        ('set -- $(date)\nexec "$@"', "line 2: changes the arguments"),
        ('A=$(date)\n[ "$A" ] && exec other\nexec "$@"', "line 3: may exec another program"),
        ('case $1 in s*) exec other;; esac\nexec "$@"', "line 2: may exec another program"),
        ('if [ 1 = 1 ] && [ -e /x ]; then\nexec other\nfi\nexec "$@"', "line 3: may exec"),
        ('if { if true; then true; fi; }; then\nexec other\nfi\nexec "$@"', "line 3: may exec"),
        ('PATH=$(x)\nexec "$@"', "line 2: changes PATH"),
        ('export PATH=/x:$Y$(z)\nexec "$@"', "line 2: changes PATH"),
        ('run() { exec other; }\nrun\nexec "$@"', "line 2: may exec another program"),
        ('. /lib.sh\nexec "$@"', "line 2: reads commands that cannot be seen here"),
        ('eval "$A"\nexec "$@"', "line 2: reads commands that cannot be seen here"),
        ('exit 1\nexec "$@"', "line 2: ends before the last line"),
        ('if false; then exec "$@"; fi', "line 2: the last line is no `exec PROGRAM"),
        ('(exec "$@")', "line 2: the last line is no `exec PROGRAM"),
        ('main() { exec "$@"; }\nmain "$@"', "line 2: may exec another program"),
        ("exec $@", "line 2: is not `exec PROGRAM"),
        ("exec $SERVER", "is not `exec PROGRAM"),
        ('exec "$@" >/var/log/x', "is not `exec PROGRAM"),
        ('server "$@"', "the last line is no `exec PROGRAM"),
        ('exec "$@', "a double quote does not end"),
        ('cat <<EOF\nexec "$@"', "here-document 'EOF' does not end"),
        ('if true\nexec "$@"', "`if` is not closed"),
        ('fi\nexec "$@"', "`fi` is not expected here"),
        ('A=(x y)\nexec "$@"', "`(` is not expected here"),
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
