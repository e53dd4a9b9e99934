"""Which system calls code can reach: small programs with known calls, and Linux as the oracle."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from dock2uk.analyse.calls import find_calls
from dock2uk.analyse.elf_file import read_elf
from dock2uk.contents import HostFile
from dock2uk.model import ReachableCalls

_CALL = """
static inline long call(long number) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number) : "rcx", "r11", "memory");
    return result;
}
#define OWN __attribute__((noinline, used)) static
"""
_ALONE = ("-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-O1")
_TIMEOUT_S = 20


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for all of these: the C library is looked into once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "calls-cache"))


def build(path: Path, source: str, *flags: str, compiler: str = "gcc") -> Path:
    command = [compiler, "-w", "-o", str(path), "-x", "c", "-", "-x", "none", *flags]
    subprocess.run(command, input=source, text=True, check=True)
    return path


def reached(*paths: Path) -> ReachableCalls:
    return find_calls({str(path): read_elf(str(path), HostFile(path)) for path in paths})


def numbers(directory: Path, body: str, *flags: str) -> set[int]:
    """Of a program without a C library; it says that nothing is unbounded."""
    found = reached(build(directory / "alone", _CALL + body, *(flags or _ALONE)))
    assert found.unbounded == ()
    return set(found.sites)


@pytest.mark.parametrize("kind", ["-no-pie", "-static-pie -fPIE"])
@pytest.mark.parametrize(("body", "expected"), [
    ("void _start(void) { call(39); call(60); }", {39, 60}),
    ("OWN void f(void) { call(41); } void _start(void) { f(); call(60); }", {41, 60}),
    ("OWN void f(void) { call(41); } void _start(void) { call(60); }", {60}),  # nobody calls f
    ("OWN void f(void) { call(41); } void (*volatile p)(void) = f;"
     "void _start(void) { p(); call(60); }", {41, 60}),  # through a pointer in data
    ("OWN void f(void) { call(41); } OWN void g(void (*p)(void)) { p(); }"
     "void _start(void) { g(f); call(60); }", {41, 60}),  # through one that code takes
    ("OWN long make(long n) { return call(n); }"
     "void _start(void) { make(41); make(60); }", {41, 60}),
    ("OWN long make(int a, long n) { return call(n); } OWN long more(long n) { return make(1, n); }"
     "void _start(void) { more(41); make(2, 60); }", {41, 60}),  # a wrapper of a wrapper
    ("void _start(int n) { call(n ? 41 : 42); call(60); }", {41, 42, 60}),
])  # fmt: skip
def test_a_program_s_calls_are_counted_by_hand(
    tmp_path: Path, body: str, expected: set[int], kind: str
) -> None:
    assert numbers(tmp_path, body, *_ALONE, *kind.split()) == expected


def test_every_case_of_a_switch_is_reached(tmp_path: Path) -> None:
    cases = " ".join(f"case {n}: f{n}(); break;" for n in range(12))
    functions = " ".join(f"OWN void f{n}(void) {{ call({100 + n}); }}" for n in range(12))
    body = f"{functions} void _start(int n) {{ switch (n) {{ {cases} }} call(60); }}"
    assert numbers(tmp_path, body) == {*range(100, 112), 60}


@pytest.mark.parametrize("body", [
    "long number; void _start(void) { call(number); }",
    "OWN long make(long n) { return call(n); } long (*volatile p)(long) = make;"
    "void _start(void) { p(41); make(60); }",
    "void _start(int n) { call(n * 3); }",
])  # fmt: skip
def test_a_number_that_is_not_known_is_said(tmp_path: Path, body: str) -> None:
    (reason,) = reached(build(tmp_path / "alone", _CALL + body, *_ALONE)).unbounded
    assert re.search(r"alone: the number .*0x[0-9a-f]+", reason)


def test_what_is_stripped_reads_the_same(tmp_path: Path) -> None:
    body = "OWN void f(void) { call(41); } void _start(void) { f(); call(60); }"
    assert numbers(tmp_path, body, *_ALONE, "-s") == {41, 60}
    flags = (*_ALONE, "-s", "-fno-asynchronous-unwind-tables")
    assert numbers(tmp_path, body, *flags) == {41, 60}


def test_a_library_s_function_counts_where_something_imports_it(tmp_path: Path) -> None:
    source = _CALL + "void one(void) { call(41); } void two(void) { call(42); }"
    library = build(tmp_path / "libtwo.so", source, "-shared", "-fPIC", "-nostdlib", "-O1")
    program = build(
        tmp_path / "uses", _CALL + "void one(void); void _start(void) { one(); call(60); }",
        "-nostdlib", "-pie", "-fPIE", str(library), "-O1",
    )  # fmt: skip
    assert set(reached(program, library).sites) == {41, 60}
    alone = build(tmp_path / "alone", _CALL + "void _start(void) { call(60); }", *_ALONE)
    # Nothing is linked with it: who opens it may call what it exports.
    assert set(reached(alone, library).sites) == {41, 42, 60}


def test_a_way_to_a_call_is_told(tmp_path: Path) -> None:
    body = "OWN void inner(void) { call(41); } OWN void outer(void) { inner(); }"
    program = build(tmp_path / "way", _CALL + body + "void _start(void) { outer(); }", *_ALONE)
    way = reached(program).sites[41].chain
    assert [line.split()[1] for line in way] == ["_start", "outer", "inner"]


# ------------------------------------------------------------------ sockets

_OPEN = (
    _CALL
    + """
OWN long opened(long family, long type) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(41L), "D"(family), "S"(type), "d"(0L)
                     : "rcx", "r11", "memory");
    return result;
}
"""
)


@pytest.mark.parametrize(("body", "families", "types"), [
    ("void _start(void) { opened(2, 1); call(60); }", {2}, {1}),
    ("void _start(int n) { opened(n ? 2 : 10, 02000000 | 2); call(60); }", {2, 10}, {2}),
    # What musl's socket(2) does where a kernel does not know the flags.
    ("OWN long twice(int f, int t) { return opened(f, t) < 0 ? opened(f, t & ~02004000) : 0; }"
     "void _start(void) { twice(16, 3); call(60); }", {16}, {3}),
    ("OWN long f(void) { return opened(1, 1); } void _start(void) { call(60); }", set(), set()),
])  # fmt: skip
def test_families_and_types_of_sockets_are_known(
    tmp_path: Path, body: str, families: set[int], types: set[int]
) -> None:
    found = reached(build(tmp_path / "alone", _OPEN + body, *_ALONE))
    assert (found.unbounded, found.sockets.because) == ((), "")
    assert (found.sockets.families, found.sockets.types) == (families, types)


@pytest.mark.parametrize("body", [
    "int family; void _start(void) { opened(family, 1); }",  # in data
    "void _start(void) { long (*volatile p)(long, long) = opened; p(2, 1); }",  # by a pointer
    "OWN long make(long n, long f) { return call(n); } void _start(void) { make(41, 2); }",
])  # fmt: skip
def test_a_family_that_is_not_known_is_said(tmp_path: Path, body: str) -> None:
    because = reached(build(tmp_path / "alone", _OPEN + body, *_ALONE)).sockets.because
    assert re.search(r"alone: .*socket|alone: the (family|type) .*is not known", because)


# ------------------------------------------------------------------ Linux as the oracle

_PROGRAMS = {
    "files": """
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        int main(void) { char name[] = "/tmp/callsXXXXXX"; int fd = mkstemp(name);
            FILE *f = fdopen(fd, "w"); fprintf(f, "%d", 3); fclose(f); unlink(name);
            return system("true"); }""",
    "threads": """
        #include <pthread.h>
        #include <unistd.h>
        static void *work(void *lock) { pthread_mutex_lock(lock); usleep(1000);
            pthread_mutex_unlock(lock); return 0; }
        int main(void) { pthread_t t[3]; pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
            for (int i = 0; i < 3; i++) pthread_create(t + i, 0, work, &lock);
            for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
            return setuid(getuid()); }""",
    "pointers": """
        #include <signal.h>
        #include <stdlib.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        static int compare(const void *a, const void *b) { getppid(); return 0; }
        static void handle(int n) { sched_yield(); }
        int main(void) { int list[8] = {0}; qsort(list, 8, 4, compare); signal(SIGUSR1, handle);
            raise(SIGUSR1); syscall(SYS_gettid); return 0; }""",
    "names": """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        int main(void) { int (*f)(void) = dlsym(RTLD_DEFAULT, "getpgrp"); return f() == 0; }""",
    "processes": """
        #include <spawn.h>
        #include <sys/wait.h>
        #include <unistd.h>
        extern char **environ;
        int main(void) { char *args[] = {"true", 0}; pid_t pid;
            posix_spawnp(&pid, "true", 0, 0, args, environ); waitpid(pid, 0, 0);
            if (!fork()) _exit(0); wait(0); return 0; }""",
    "addresses": """
        #include <netdb.h>
        #include <stdio.h>
        int main(void) { struct addrinfo *found; getaddrinfo("localhost", "80", 0, &found);
            fopen("/nowhere", "r"); return 0; }""",
}  # fmt: skip
_BUILDS = {
    "dynamic": ("gcc",),
    "static": ("gcc", "-static"),
    "musl": ("musl-gcc", "-static"),
}


# A static program has no functions to look up by name.
_CASES = [
    (name, kind) for name in _PROGRAMS for kind in _BUILDS if (name, kind[0]) != ("names", "s")
]


@pytest.mark.parametrize(("name", "kind"), [case for case in _CASES if case != ("names", "musl")])
def test_every_call_that_a_run_makes_was_found(tmp_path: Path, name: str, kind: str) -> None:
    compiler, *flags = _BUILDS[kind]
    program = build(tmp_path / name, _PROGRAMS[name], "-O2", "-pthread", *flags, compiler=compiler)
    files = [program, *_libraries(program)]
    found = reached(*files)
    made = _made(program, tmp_path)
    assert made <= set(found.sites), sorted(made - set(found.sites))
    assert "exit_group" in _names(program, tmp_path)


def test_a_small_program_reaches_a_part_of_its_library(tmp_path: Path) -> None:
    program = build(tmp_path / "small", "int puts(); int main(void) { return puts(0); }")
    libraries = _libraries(program)
    some = reached(program, *libraries)
    assert some.unbounded == ()
    everything = set(reached(*libraries).sites)  # opened by name: all that it exports
    assert set(some.sites) < everything
    assert len(some.sites) < len(everything) / 2


def _libraries(program: Path) -> list[Path]:
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", listing)]


def _trace(program: Path, directory: Path) -> str:
    output = directory / "trace"
    # -n: numbers before the names. Children run other programs: only the first is asked about.
    command = ["strace", "-f", "-n", "-o", output, program]
    subprocess.run(command, check=False, capture_output=True, timeout=_TIMEOUT_S)
    first, *rest = output.read_text().splitlines()
    others: set[str] = set()
    lines = [first]
    for line in rest:
        if line.split()[0] not in others:
            lines.append(line)
        if "execve(" in line:
            others.add(line.split()[0])
    return "\n".join(lines)


def _made(program: Path, directory: Path) -> set[int]:
    """Numbers of the calls after the first, which starts the program."""
    found = re.findall(r"^\d+ +\[ *(\d+)\] (?!<)", _trace(program, directory), re.MULTILINE)
    return {int(number) for number in found[1:]}


def _names(program: Path, directory: Path) -> set[str]:
    return set(re.findall(r"\] (\w+)\(", _trace(program, directory)))
