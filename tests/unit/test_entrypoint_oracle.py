"""Scripts made at random: what is read from them is what the shells of this machine do."""

from __future__ import annotations

import os
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_elf import tiny_elf
from trees import Entry, Link, image, program, read_entrypoint

from dock2uk.errors import UnsupportedError
from dock2uk.model import ImageConfig

SEEDS = int(os.environ.get("SEEDS", "4"))
WORDS = ("server", "other", "-v", "--flag=1", "", "a b", "/usr/bi*", "x.conf")
TESTS = (
    '[ "$1" = server ]', '[ "$1" != \'other\' ]', '[ "${1#-}" != "$1" ]', "[ $# -gt 1 ]",
    '[ -z "$1" ]', '[ -n "$SET" ]', '[ "$1" ]', '[ "$1" = server -a "$2" = -v ]', "true",
    '[ "$1" = server -o "$UNSET" = x ]', '[ ! "$1" = server ]', '! [ "$SET" = yep ]', "false",
    '[ "$(id -u)" = 0 ]', 'test "${UNSET:-server}" = "$1"', '[ "${SET+x}${UNSET:+y}" = x ]',
    '[ "${1%.conf}" != "$1" ]', "[ -d /usr/bin ]", "[ -e /not/there ]", "[ -x /bin/sh ]",
    '[ "$X" = "$1" ]', '[ "$(basename -- "$1" .conf)" = x ]', "[ $((N + 1)) -ge 2 ]",
    "look_like -v", 'look_like "$@"', "{ false || [ $# = 0 ]; }", "( exit 3 )", '[ "$(pwd)" = / ]',
    '[ "$(umask)" = 0022 ]', "command -v server >/dev/null", "[ -f /etc/passwd ] && true",
    '[ "$(echo "$1" "$2")" = "server -v" ]', "echo a | true", "! true | false", "/bin/false",
)  # fmt: skip
ACTIONS = (
    'set -- server "$@"', 'set -- "$@" "a b"', "shift 1", ":", "echo nothing", "export SEEN=1",
    'exec other "$@" \'x y\'', 'exec server "${1:-none}" "$SET"', "shift", "X=$1", 'X="$X${1}y"',
    "N=$((N + 1))", "cd /usr", "cd bin", 'cd "${X:-/}"', "umask 027", "prefix", 'prefix "$1"',
    'export TAKEN="$*"', "unset SET", "set -- $X $SET", "set -e", 'SET="$(echo "$@")"', "cd ..",
    'Y=${1%%.*} && set -- "$Y" "$@"', "set -- ${1+\"$1\"} ${2:-\"d e\"}", "X='a  b' SET=\"\"",
    "set -- \"$0\" 'q'", "( cd /usr && export GONE=1 )", 'eval "X=\\$1"', "exit 3", "exit 0",
    "set -- /usr/bi*", "for f; do X=$f; done", "N=${#X}", "LOCAL=1 set_it", 'X=`echo b "$1"`',
    'printf "%s" a >/dev/null', 'echo >&2 "$1"',
    'set >/dev/null -- "$@" r', '[ "$1" ] 2>/dev/null', "unset X Y", "break_out",
    "X=a:b:c; set -- ${X%:*} ${X%%:*} ${X#*:} ${X##*:}",
    'X=out; prefix in; set -- "$X" "$@"', "shift $N", 'set -- "$@" "${X:=new}"',
    'X=; set -- "${X=y}$@"',
    "cat /etc/passwd >/dev/null", "set +e", 'set -- "${X-unset}" "${UNSET-}" "$@"',
    "Z=\"$(exit 3)\"",
)  # fmt: skip
PATTERNS = (
    "s*",
    "server",
    "-*",
    "*.conf",
    "a?b",
    "[a-o]*",
    '"$SET"',
    "*",
    "''",
    "other | -v",
    "$X",
)
FUNCTIONS = """\
look_like() { case "$1" in -*) return 0 ;; *.conf) return 1 ;; esac; [ "$#" -gt 2 ]; }
prefix() { local X; X=${1:-p}; export SEEN="$X"; if [ $# = 0 ]; then return 4; fi; shift; }
set_it() { X="$LOCAL$1"; set -- z; N=$#; }
break_out() { for i in 1 2 3; do [ "$i" = "$N" ] && continue; X=$i; [ $i = 2 ] && break; done; }
"""
BASH_TESTS = (
    '[[ "$1" == s* ]]', "[[ $1 == *.conf && -n $SET ]]", '[[ "${1:0:1}" = "-" ]]', "(( N > 1 ))",
    "[[ ! ( $# -gt 0 || $X ) ]]", '[[ $1 =~ ^-[a-z]+$ ]]', '[[ -v SET ]]',
    "[[ ${#list[@]} -gt 1 ]]",
    '[ "${BASH_SOURCE[0]}" = "$0" ]', '[ "${FUNCNAME[0]}" = main ]',
)  # fmt: skip
BASH_ACTIONS = (
    "list=(a \"$@\" 'b c')", 'list+=("$X")', 'set -- "${list[@]}"', 'NAME=SET; X="${!NAME}"',
    'set -- "${@:2}"', 'X="${1/e/_}"', 'X="${1//[ae]/-}"', 'declare -g Y="$1"', "X+=z",
    'set -- "${list[*]}" ${list[@]+"${list[@]}"}', 'printf -v X %s "$1"', "X=$'a\\tb'",
    'X="${1^^}"', "(( N++ )) || true", 'set -- "${X:1}" "${1: -2}"', "set -u", "set -o pipefail",
)  # fmt: skip
STUB = """\
#!/bin/sh
{ printf "%s\\0" "${0##*/}" "$@"; printf "=\\0"; pwd -P; umask; \
printf "%s\\n" "$SEEN" "$TAKEN" "$SET" "$GONE" "$OLDPWD" "$SHLVL"; } >&9
"""


@dataclass(frozen=True)
class Grammar:
    """What scripts for one shell are made of."""

    shell: str
    tests: tuple[str, ...]
    actions: tuple[str, ...]


# With a program whose answer nobody can know, each line of its file being one.
MAYBE_TESTS = (
    "maybe", "! maybe", '[ "$(maybe)" = m1 ]', "maybe | true",
    'case "$(maybe)" in m1) false ;; esac',
    '[ "$X" = m1 ]', '[ -n "${Y:-}" ]', "( maybe )", "{ maybe; }", 'look_like "$(maybe)"',
    "maybe || false",
)  # fmt: skip
MAYBE_ACTIONS = (
    "maybe", 'X="$(maybe)"', "X=$(maybe; echo a)", "maybe && X=1", "maybe || exit 3",
    "maybe || true",
    'set -- "$1" $(maybe)', "for i in $(maybe) 2; do N=$i; done", "while maybe; do X=2; done",
    "unset X",
    'export SEEN="${X}"', "maybe && return 2", 'prefix "$(maybe)"', "until maybe; do shift; done",
    "X=0",
    "if maybe; then umask 077; else umask 077; fi", 'Y="$X" maybe', "set -- server", "SEEN=1",
    "cd /usr",
)  # fmt: skip
MAYBE = """\
#!/bin/sh
{ read -r answer && cat >"$0.rest"; } <"$0.answers"
echo "$answer" >>"$0.rest" && mv "$0.rest" "$0.answers"
echo "m$answer"
exit "$answer"
"""
GRAMMARS = {
    "dash": Grammar("/bin/dash", TESTS, ACTIONS),
    "bash": Grammar("/bin/bash", TESTS + BASH_TESTS, ACTIONS + BASH_ACTIONS),
}


class Maker:
    """Makes scripts."""

    def __init__(self, generator: random.Random, grammar: Grammar) -> None:
        self.random = generator
        self.grammar = grammar

    def script(self) -> str:
        blocks = [self.block(2) for _ in range(self.random.randint(1, 5))]
        ending = self.random.choice(('exec "$@"', 'exec "$@"', 'main "$@"'))
        main = f'main() {{\n{self.block(1)}\nexec "$@"\n}}\n'
        return (
            f"#!{self.grammar.shell}\nN=1\n{FUNCTIONS}{main}" + "\n".join(blocks) + f"\n{ending}\n"
        )

    def tests(self) -> str:
        parts = [self.random.choice(self.grammar.tests)]
        while self.random.random() < 0.4:
            parts += [self.random.choice(("&&", "||")), self.random.choice(self.grammar.tests)]
        return " ".join(parts)

    def block(self, depth: int) -> str:
        kinds = (self.simple, self.joined)
        if depth:
            kinds += (self.conditional, self.case, self.loop, self.group)
        return self.random.choice(kinds)(depth)

    def simple(self, depth: int) -> str:
        return self.random.choice(self.grammar.actions)

    def joined(self, depth: int) -> str:
        operator = self.random.choice(("&&", "||"))
        return f"{self.tests()} {operator} {self.random.choice(self.grammar.actions)}"

    def group(self, depth: int) -> str:
        return f"{{ {self.block(depth - 1)}\n{self.block(depth - 1)}\n}}"

    def conditional(self, depth: int) -> str:
        text = f"if {self.tests()}; then\n{self.block(depth - 1)}\n"
        if self.random.random() < 0.4:
            text += f"elif {self.tests()}; then\n{self.block(depth - 1)}\n"
        if self.random.random() < 0.5:
            text += f"else\n{self.block(depth - 1)}\n"
        return text + "fi"

    def case(self, depth: int) -> str:
        subject = self.random.choice(('"$1"', "$1", '"$X"', '"${2:-none}"'))
        items = [
            f"{self.random.choice(PATTERNS)})\n{self.block(depth - 1)}\n;;"
            for _ in range(self.random.randint(1, 3))
        ]
        return f"case {subject} in\n" + "\n".join(items) + "\nesac"

    def loop(self, depth: int) -> str:
        if self.random.random() < 0.5:
            words = self.random.choice(('"$@"', "a 'b c'", "$SET $X", "1 2 3"))
            return f"for i in {words}; do\n{self.block(depth - 1)}\ndone"
        condition = self.random.choice(("while [ $N -lt 4 ]", "until [ $N -ge 3 ]"))
        return f"{condition}; do\nN=$((N+1))\n{self.block(depth - 1)}\ndone"


@dataclass(frozen=True)
class Seen:
    """The program a script ends in; no argv: in none."""

    argv: tuple[str, ...]
    rest: tuple[str, ...] = ()  # directory, umask, and the variables the scripts set


def shell_runs(script: Path, arguments: list[str], programs: Path) -> Seen:
    """What the machine's own shell ends in."""
    command = ["/bin/sh", "-c", 'exec "$@" 9>&1 >/dev/null 2>/dev/null', "sh", script, *arguments]
    env = {"PATH": f"{programs}:/usr/bin:/bin", "SET": "yep"}
    try:
        done = subprocess.run(command, env=env, capture_output=True, timeout=5, cwd="/")
    except subprocess.TimeoutExpired:
        return Seen(())
    told = done.stdout.decode().replace(str(script), "/start")
    *argv, rest = told.split("\0=\0") if told else ("", "")
    return Seen(tuple(argv[0].split("\0")), tuple(rest.split("\n")[:-1])) if rest else Seen(())


def reading_says(shell: str, script: str, arguments: list[str]) -> Seen | None:
    """What is read from the script; None when it is undecided."""
    elf = program("", tiny_elf())
    entries: dict[str, Entry] = {
        "/usr/bin/maybe": elf,
        "/bin": Link("usr/bin"), "/usr/bin/dash": elf, "/usr/bin/bash": elf, "/usr/bin/sh": elf,
        "/usr/bin/server": elf, "/usr/bin/other": elf, "/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "/start": program("", script.encode()),
    }  # fmt: skip
    config = ImageConfig(
        entrypoint=("/start",), cmd=tuple(arguments), env=("SET=yep", "PATH=/usr/bin:/bin"),
        user=str(os.getuid()),
    )  # fmt: skip
    try:
        found = read_entrypoint(image(entries, config))
    except UnsupportedError as refused:
        absent = all("is not in the image" in reason for reason in refused.reasons)
        ends = all("ends before the last line" in r or "fails" in r for r in refused.reasons)
        return Seen(()) if absent or (ends and "exit 0" not in str(refused)) else None
    env = dict(entry.split("=", 1) for entry in found.env)
    shown = (env.get(name, "") for name in ("SEEN", "TAKEN", "SET", "GONE", "OLDPWD"))
    # The stub is a script for dash, which leaves SHLVL as it is.
    return Seen(found.argv, (found.cwd, f"{found.umask:04o}", *shown, env.get("SHLVL", "")))


def make_program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def make_programs(directory: Path) -> Path:
    programs = directory / "programs"
    programs.mkdir()
    for name in ("server", "other"):
        make_program(programs / name, STUB)
    make_program(programs / "maybe", MAYBE)
    return programs


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_reading_a_script_says_what_running_it_does(shell: str, seed: int, tmp_path: Path) -> None:
    programs = make_programs(tmp_path)
    maker = Maker(random.Random(f"{shell} {seed}"), GRAMMARS[shell])
    decided = 0
    for number in range(60):
        script = maker.script()
        arguments = [maker.random.choice(WORDS) for _ in range(maker.random.randint(0, 3))]
        said = reading_says(GRAMMARS[shell].shell, script, arguments)
        if said is None:
            continue
        decided += 1
        file = make_program(tmp_path / f"script{number}", script)
        assert shell_runs(file, arguments, programs) == said, f"{arguments}\n{script}"
    assert decided > 24


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_read_holds_whatever_the_programs_answer(
    shell: str, seed: int, tmp_path: Path
) -> None:
    """A run that ends in a failure is a start-up that did not work: nothing is said about it."""
    programs = make_programs(tmp_path)
    known = GRAMMARS[shell]
    grammar = Grammar(known.shell, known.tests + MAYBE_TESTS, known.actions + MAYBE_ACTIONS)
    maker = Maker(random.Random(f"maybe {shell} {seed}"), grammar)
    decided = 0
    for number in range(60):
        script = maker.script()
        arguments = [maker.random.choice(WORDS) for _ in range(maker.random.randint(0, 3))]
        said = reading_says(grammar.shell, script, arguments)
        if said is None or "maybe" not in script or not said.argv:
            continue
        decided += 1
        file = make_program(tmp_path / f"script{number}", script)
        for _ in range(2):
            answers = "0\n1\n" + "".join(f"{maker.random.randint(0, 1)}\n" for _ in range(9))
            (programs / "maybe.answers").write_text(answers)
            ran = shell_runs(file, arguments, programs)
            assert ran in (said, Seen(())), f"{arguments} {answers.split()}\n{script}"
    assert decided > 1
