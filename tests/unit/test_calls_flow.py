"""What registers may hold, over code that `as` makes: the assembler is what says which bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dock2uk.analyse.calls.blocks import Piece
from dock2uk.analyse.calls.decode import decode
from dock2uk.analyse.calls.flow import Entered, Stacked, Value, states

_HERE = "syscall"


def at_the_call(directory: Path, text: str) -> Value | None:
    """What rax may hold at the first `syscall` of the code."""
    source, object_file, binary = (directory / f"code.{end}" for end in ("s", "o", "bin"))
    source.write_text(text.replace(";", "\n") + "\n")
    subprocess.run(["as", "--64", "-o", object_file, source], check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", object_file, binary], check=True)
    instructions = tuple(decode(binary.read_bytes(), 0x1000))
    found = states(Piece(instructions))
    assert found is not None
    (at, *_) = (one.address for one in instructions if one.mnemonic == _HERE)
    state = found.before(at)
    assert state is not None
    return state.get("rax")


@pytest.mark.parametrize(("code", "numbers"), [
    ("mov $57, %eax; syscall", {57}),
    ("xor %eax, %eax; syscall", {0}),
    ("xor %eax, %eax; mov $15, %al; syscall", {15}),
    ("mov $3, %r12d; call 1f; mov %r12, %rax; syscall; 1: ret", {3}),
    ("mov $3, %ecx; mov %ecx, %eax; syscall", {3}),
    ("mov $1, %eax; test %edi, %edi; je 1f; mov $2, %eax; 1: syscall", {1, 2}),
    ("mov $1, %eax; mov $2, %edx; cmp $7, %edi; cmove %edx, %eax; syscall", {1, 2}),
    ("movq $9, 8(%rsp); mov 8(%rsp), %rax; syscall", {9}),
    ("push $9; pop %rax; syscall", {9}),
    ("mov $9, %eax; 1: test %edi, %edi; jne 1b; syscall", {9}),
    ("mov (%rdi), %rax; test %rax, %rax; jne 1f; syscall; 1: ret", {0}),
    ("mov (%rdi), %eax; cmp $4, %eax; je 1f; ret; 1: syscall", {4}),
    ("mov $9, %r8d; 1: mov %r8, %rax; syscall; cmp $-16, %eax; je 1b; ret", {9}),
    ("and $2, %edi; mov %edi, %eax; add $1, %eax; syscall", None),
    ("test %edi, %edi; sete %al; movzbl %al, %eax; add $41, %eax; syscall", {41, 42}),
    ("sbb %eax, %eax; and $2, %eax; add $5, %eax; syscall", {5, 7}),
])  # fmt: skip
def test_constants_are_followed(tmp_path: Path, code: str, numbers: set[int] | None) -> None:
    assert at_the_call(tmp_path, code) == (None if numbers is None else frozenset(numbers))


@pytest.mark.parametrize("code", [
    "mov $3, %eax; call 1f; syscall; 1: ret",
    "mov $3, %r8d; call 1f; mov %r8d, %eax; syscall; 1: ret",
    "mov $3, %eax; mov (%rdi), %eax; syscall",
    "mov $3, %eax; mov %dil, %al; syscall",
    "mov $3, %eax; lock cmpxchg %ecx, (%rdi); syscall",
    "mov $3, %eax; rdtsc; syscall",
    "mov $3, %eax; xchg %eax, %ecx; syscall",
    "mov $3, %ecx; xadd %ecx, (%rdi); mov %ecx, %eax; syscall",
    "movq $9, 8(%rsp); lea 8(%rsp), %rdi; call 1f; mov 8(%rsp), %rax; syscall; 1: ret",
    "movq $9, 8(%rsp); sub %rdi, %rsp; mov 8(%rsp), %rax; syscall",
    "mov $3, %eax; jmp 2f; 1: mov (%rdi), %eax; 2: syscall; test %edi, %edi; je 1b",
    "mov $3, %eax; imul $3, %edi, %eax; syscall",
    "mov (%rdi), %eax; test %esi, %esi; je 2f; cmp $4, %eax; 2: je 1f; ret; 1: syscall",
])  # fmt: skip
def test_what_overwrites_makes_unknown(tmp_path: Path, code: str) -> None:
    assert at_the_call(tmp_path, code) is None


def test_what_a_function_is_called_with_is_told(tmp_path: Path) -> None:
    assert at_the_call(tmp_path, "mov %rdi, %rax; syscall") == frozenset((Entered("rdi"),))
    assert at_the_call(tmp_path, "mov 8(%rsp), %rax; syscall") == frozenset((Stacked(8),))
    pushed = "push %rbx; mov %rdi, %rbx; call 1f; mov %rbx, %rax; syscall; pop %rbx; 1: ret"
    assert at_the_call(tmp_path, pushed) == frozenset((Entered("rdi"),))


def test_code_that_an_unwinder_enters_begins_with_nothing_known(tmp_path: Path) -> None:
    assert (
        at_the_call(tmp_path, "mov $3, %eax; jmp 2f; mov (%rcx), %rcx; 1: syscall; 2: ret") is None
    )
