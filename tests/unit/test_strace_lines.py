"""How records of system calls become lines; that they are strace's lines is tested by booting."""

from __future__ import annotations

import io

import pytest

from dock2uk.errors import Dock2ukError
from dock2uk.match import load_runtimes
from dock2uk.runtime import Runtime
from dock2uk.strace import Stamp, Style, Tracer, filters, plan, quoted, signature
from dock2uk.strace.kinds import pointee_of
from dock2uk.strace.signature import Signature
from dock2uk.verify import qemu

FILE = 0x5000
SIGUSR1 = 10


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    (husk,) = load_runtimes()
    return husk


@pytest.fixture(scope="module")
def signatures(runtime: Runtime) -> dict[int, Signature]:
    calls = runtime.system_calls
    return {c.number: signature.parse(c.number, c.name, c.signature) for c in calls}


def words(*numbers: int) -> str:
    """Numbers in the kernel's digits."""
    digits = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
    return " ".join(f"{number % (1 << 64):x}" for number in numbers).translate(digits)


def call(tid: int, time_ns: int, number: int, *arguments: int) -> tuple[str, str]:
    padded = (*arguments, *[0] * (7 - len(arguments)))
    return "call", words(tid, time_ns, tid, number, *padded)


def held(address: int, data: bytes) -> str:
    return f"@{words(address)}:{''.join(words(b >> 4, b & 15).replace(' ', '') for b in data)}"


def lines(runtime: Runtime, events: list[tuple[str, str]], style: Style | None = None) -> list[str]:
    output = io.StringIO()
    tracer = Tracer(runtime, output, style=style)
    for name, value in events:
        tracer.take(name, value)
    tracer.close()
    return output.getvalue().splitlines()


def test_a_call_and_its_result_are_one_line(runtime: Runtime) -> None:
    name, value = call(1, 0, 2, FILE, 0o2000000)
    opened = (name, value + held(FILE, b"/etc/passwd\0"))
    shown = lines(runtime, [opened, ("return", words(1, 0, 3))])
    assert shown == ['open("/etc/passwd", O_RDONLY|O_CLOEXEC) = 3']


def test_results_stand_in_column_40(runtime: Runtime) -> None:
    assert lines(runtime, [call(1, 0, 3, 5), ("return", words(1, 0, -9))]) == [
        "close(5)                                = -1 EBADF (Bad file descriptor)"
    ]


def test_memory_that_was_not_there_is_its_address(runtime: Runtime) -> None:
    shown = lines(runtime, [call(1, 0, 2, FILE), ("return", words(1, 0, -14))])
    assert shown[0].startswith("open(0x5000, O_RDONLY) ")


def test_lines_of_two_threads_are_told_apart(runtime: Runtime) -> None:
    events = [
        call(1, 0, 0, 3, FILE, 8),
        call(2, 0, 39),
        ("return", words(2, 0, 1)),
        ("return", words(1, 0, 3) + held(FILE, b"abc")),
    ]
    assert lines(runtime, events) == [
        "read(3,  <unfinished ...>",
        f"[pid     2] {'getpid()':40}= 1",
        "[pid     1] " + '<... read resumed>"abc", 8)'.ljust(40) + "= 3",
    ]


def test_what_clone3_has_left_out_leaves_its_comma(runtime: Runtime) -> None:
    """The new thread's number, which strace adds to the structure, is there only on success."""
    parent_settid, size = 0x100000, 88
    arguments = b"".join(word.to_bytes(8, "little") for word in (parent_settid, *[0] * 10))
    name, value = call(1, 0, 435, FILE, size)
    begun = (name, value + held(FILE, arguments))
    (failed,) = lines(runtime, [begun, ("return", words(1, 0, -11))])
    (done,) = lines(runtime, [begun, ("return", words(1, 0, 2))])
    assert "stack_size=0}, 88) " in failed
    assert "stack_size=0} => {parent_tid=[2]}, 88) " in done


def test_times_and_times_spent(runtime: Runtime) -> None:
    events = [call(1, 5_000_000, 39), ("return", words(1, 5_012_000, 1)), call(1, 7_000_000, 39)]
    relative = lines(runtime, events, Style(Stamp.relative, is_spent_shown=True))
    assert relative[0].startswith("     0.000000 getpid()")
    assert relative[0].endswith("= 1 <0.000012>")
    assert relative[1].startswith("     0.002000 getpid(")


def test_a_signal_and_the_death_it_brings(runtime: Runtime) -> None:
    sender = 7
    signal = words(1, 0, SIGUSR1, 0, sender, 0, 0)
    events = [("signal", signal), ("gone", words(1, 0, SIGUSR1))]
    assert lines(runtime, events) == [
        "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=7, si_uid=0} ---",
        "+++ killed by SIGUSR1 +++",
    ]


def test_a_status_like_a_signals_is_a_status(runtime: Runtime) -> None:
    exiting = [call(1, 0, 231, 138), ("gone", words(1, 0, 138 << 8))]
    assert lines(runtime, exiting) == [
        "exit_group(138)                         = ?",
        "+++ exited with 138 +++",
    ]


def test_a_number_that_no_call_has(runtime: Runtime) -> None:
    shown = lines(runtime, [call(1, 0, 999, 1), ("return", words(1, 0, -38))])
    assert shown[0].startswith("syscall_0x3e7(0x1, 0, 0, 0, 0, 0)")


@pytest.mark.parametrize("value", ["", "zz", words(1), words(1, 2, 3, 4, 5)])
def test_a_record_that_makes_no_sense_is_an_error(runtime: Runtime, value: str) -> None:
    with pytest.raises(Dock2ukError, match="a record of the guest is not understood"):
        lines(runtime, [("call", value)])


def test_other_events_are_not_records(runtime: Runtime) -> None:
    assert lines(runtime, [("ready", "80/tcp"), ("exit", "0")]) == []


def test_a_trace_that_was_cut_off_says_so(runtime: Runtime) -> None:
    output = io.StringIO()
    tracer = Tracer(runtime, output)
    tracer.take(*call(1, 0, 0, 3))
    tracer.close("the machine was stopped by SIGINT")
    assert output.getvalue().splitlines() == [
        "read(3,  <detached ...>",
        "+++ the machine was stopped by SIGINT +++",
    ]


def test_a_full_disk_is_an_error_that_says_the_trace_is_not_whole(runtime: Runtime) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails, as it must
    tracer = Tracer(runtime, full)
    with pytest.raises(Dock2ukError, match="cannot write the trace to /dev/full: No space"):
        tracer.take(*call(1, 0, 39))
    tracer.close("after an error it writes no more")
    with pytest.raises(OSError, match="No space"):
        full.close()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("read", {"read"}),
        ("trace=read,write", {"read", "write"}),
        ("%network,!", None),
        ("/^epoll_c", {"epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old"}),
    ],
)
def test_filters_name_calls(
    signatures: dict[int, Signature], text: str, wanted: set[str] | None
) -> None:
    if wanted is None:
        with pytest.raises(Dock2ukError):
            filters.numbers(text, signatures)
        return
    numbers = filters.numbers(text, signatures)
    assert numbers is not None
    assert {signatures[number].name for number in numbers} == wanted


def test_classes_go_by_arguments_or_by_strace_s_lists(signatures: dict[int, Signature]) -> None:
    def names(text: str) -> set[str]:
        return {signatures[number].name for number in filters.numbers(text, signatures) or ()}

    assert {"openat", "stat", "execve", "chdir"} <= names("%file")
    assert "read" not in names("%file")
    assert {"read", "epoll_ctl", "openat"} <= names("%desc")
    assert names("%net") == names("%network") >= {"accept4", "sendmsg"}
    assert names("!%file").isdisjoint(names("%file"))
    assert filters.numbers("all", signatures) is None


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("opne", "no system call 'opne'", "open"),
        ("%netwrk", "no class of system calls %netwrk", "%network"),
        ("/(", "not a regular expression", None),
        ("/^nothing$", "names no system call", "%file"),
        ("", "names no system call", "%file"),
    ],
)
def test_a_filter_that_is_wrong_says_what_would_be_right(
    signatures: dict[int, Signature], text: str, message: str, hint: str | None
) -> None:
    with pytest.raises(Dock2ukError, match=message) as error:
        filters.numbers(text, signatures)
    assert hint is None or hint in str(error.value.hint)


def test_the_kernel_s_option_is_read_as_it_was_written(signatures: dict[int, Signature]) -> None:
    """The kernel's reading, in few words: see runtimes/husk/src/trace/plan.rs."""
    text = plan.option(signatures, None, 32)
    values = [ord(character) - ord("0") for character in text]
    assert 64 * values[0] + values[1] == 32
    place = 64 * values[2] + values[3]  # of read(2)
    assert text[place : place + 6] == "1T701."
    assert all(values[2 + 2 * n] * 64 + values[3 + 2 * n] for n in range(plan.CALLS))


def test_the_option_survives_the_command_line(runtime: Runtime) -> None:
    """It is taken apart at white space and `%`, and QEMU's firmware keeps 4096 bytes."""
    (word,) = Tracer(runtime, io.StringIO()).kernel_words
    assert not set(word) & set(" \t\n%")
    guest = qemu.Guest(runtime.library, "q35", "tcg", 64, kernel_words=(word,))
    assert len(qemu.command_line(guest)) < 4096


def test_only_wanted_calls_have_a_place(signatures: dict[int, Signature]) -> None:
    text = plan.option(signatures, {1}, 32)
    assert text[2:4] == "00"
    assert text[4:6] != "00"
    assert text[2 + 2 * (plan.CALLS - 1) :][:2] == "00"


def test_every_type_of_the_table_is_known(runtime: Runtime) -> None:
    """Every call can be shown, at its entry and with a result, whatever is in its memory."""
    for one in runtime.system_calls:
        described = signature.parse(one.number, one.name, one.signature)
        assert all(pointee_of(a).letter for a in described.arguments if a.is_pointer)
        for result in (0, 1, -1):
            arguments = (FILE, FILE, 1, FILE, FILE, 1)
            lines(runtime, [call(1, 0, one.number, *arguments), ("return", words(1, 0, result))])


def test_every_call_that_husk_has_is_described(runtime: Runtime) -> None:
    assert not [c.name for c in runtime.system_calls if c.level != "none" and c.signature == "?"]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'a"b\\c\n', r'"a\"b\\c\n"'),
        (b"\0\x0017", r'"\0\00017"'),
        (b"\xff\x7f8", r'"\377\1778"'),
    ],
)
def test_strings_are_quoted_as_in_c(data: bytes, shown: str) -> None:
    assert quoted.text(data) == shown
