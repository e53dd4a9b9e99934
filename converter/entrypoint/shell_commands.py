"""The simple commands of a shell script, each with the circumstances it would run in.

Reads the grammar of XCU § 2.10 far enough to say of every command on what its running depends, in
which function it stands and whether in a process of its own. What does not fit ends in
ShellSyntaxError.
Commands inside `$(…)` run in their own process and cannot change the script's: they are not listed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .shell_words import ShellSyntaxError, Token, tokens

_REDIRECTIONS = frozenset(("<", ">", ">>", "<<", "<<-", "<<<", "<&", ">&", "<>", ">|", "&>", "&>>"))
_CASE_ENDS = frozenset((";;", ";&", ";;&"))
_ENDS = frozenset((";", "\n", "&", "&&", "||", "|", "|&", ")")) | _CASE_ENDS
# Reserved words that open a block -> the word that closes it.
_CLOSED_BY = {"if": "fi", "while": "done", "until": "done", "for": "done", "case": "esac", "{": "}"}
# Reserved words inside a block -> the blocks they may stand in.
_INNER = {
    "then": ("if",), "elif": ("if",), "else": ("if",), "do": ("while", "until", "for"),
}  # fmt: skip
# Blocks whose commands run when the block does, or when the branch of the `if` is taken.
_PLAIN_BLOCKS = frozenset(("{", "(", "if"))


@dataclass(frozen=True, slots=True)
class Branch:
    """A part of an `if`: the condition or the body after `if`, an `elif` or `else`."""

    number: int  # which `if` of the script
    index: int  # 0 for `if`, then one more for each `elif` and for `else`
    is_condition: bool
    is_else: bool


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command, its words as written."""

    line: int
    words: tuple[str, ...]
    redirections: tuple[str, ...]  # "2>&1"
    connector: str  # what stands before it in its list: ";", "&&" or "||"
    is_negated: bool  # after `!`
    branches: tuple[Branch, ...]  # the `if`s around it, outermost first
    is_conditional: bool  # inside a loop or `case`, or in a list with compound commands
    is_subshell: bool  # in a process of its own: ( … ), a pipeline, or &
    function: str  # the function it stands in, "" outside

    @property
    def text(self) -> str:
        return " ".join((*self.words, *self.redirections))

    @property
    def name(self) -> str:
        return self.words[0] if self.words else ""


@dataclass(slots=True)
class _Block:
    """An open compound command."""

    kind: str  # a key of _CLOSED_BY, or "("
    line: int
    first_command: int  # index of its first command
    is_conditional: bool
    is_subshell: bool
    function: str
    branch: Branch | None = None  # only if: the part being read
    is_in_pattern: bool = False  # only case: between `in` or `;;` and `)`


def read_commands(script: str) -> tuple[Command, ...]:
    """Every simple command in the order written."""
    return _Reader(script).read()


class _Reader:
    def __init__(self, script: str) -> None:
        self._tokens = list(tokens(script))
        self._next = 0
        self._commands: list[Command] = []
        self._blocks: list[_Block] = []
        self._connector = ";"  # the operator before the command being read
        self._function = ""  # set between `name()` and its body
        self._element_start = 0  # first command of the pipeline element being read
        self._list_start = 0  # first command of the and-or list being read
        self._is_negated = False
        self._is_after_compound = False  # the list being read has a compound command in it
        self._if_count = 0

    def read(self) -> tuple[Command, ...]:
        while self._next < len(self._tokens):
            self._step()
        if self._blocks:
            block = self._blocks[-1]
            raise ShellSyntaxError(f"line {block.line}: `{block.kind}` is not closed")
        return tuple(self._commands)

    def _step(self) -> None:
        """Read one operator, reserved word or simple command at a place where one may begin."""
        token = self._tokens[self._next]
        if self._blocks and self._blocks[-1].is_in_pattern:
            self._case_pattern()
        elif not token.is_word:
            self._operator(token)
        elif token.text in _CLOSED_BY:
            self._open(token)
        elif token.text in _CLOSED_BY.values():
            self._close(token)
        elif token.text in _INNER:
            self._inner(token)
        elif token.text == "!":
            self._is_negated = not self._is_negated
            self._next += 1
        elif token.text == "function" or self._is_function_definition():
            self._define_function(token)
        else:
            self._simple_command(token)

    def _operator(self, token: Token) -> None:
        if token.text == "(":
            self._open(token)
        elif token.text == ")":
            self._close(token)
        elif token.text in _CASE_ENDS:
            self._case_end(token)
        elif token.text in _ENDS:
            self._connect(token.text)
        elif token.text in _REDIRECTIONS:
            self._simple_command(token)
        else:
            raise self._unexpected(token)

    def _connect(self, operator: str) -> None:
        """Take note of the operator that ends a pipeline element."""
        self._next += 1
        if operator in ("|", "|&"):
            self._mark_subshell(self._element_start)
        elif operator == "&":
            self._mark_subshell(self._list_start)
        is_empty = self._element_start == len(self._commands)
        if operator == "\n" and is_empty and (self._is_joined() or self._is_piped()):
            return  # a line may break after these operators
        self._connector = operator
        self._element_start = len(self._commands)
        if operator in (";", "\n", "&"):
            self._list_start = len(self._commands)
            self._is_after_compound = False

    def _mark_subshell(self, start: int) -> None:
        self._commands[start:] = [
            replace(command, is_subshell=True) for command in self._commands[start:]
        ]

    def _open(self, token: Token) -> None:
        self._next += 1
        outer = self._blocks[-1] if self._blocks else None
        is_plain = token.text in _PLAIN_BLOCKS and not self._is_joined()
        block = _Block(
            kind=token.text,
            line=token.line,
            first_command=self._element_start,
            is_conditional=not is_plain or (outer is not None and outer.is_conditional),
            is_subshell=token.text == "(" or self._is_piped() or bool(outer and outer.is_subshell),
            function=self._function or (outer.function if outer else ""),
        )
        if token.text == "if":
            block.branch = Branch(self._if_count, 0, is_condition=True, is_else=False)
            self._if_count += 1
        self._function = ""
        self._blocks.append(block)
        self._begin_list()
        if token.text == "for":
            self._skip_past_for_words(token)
        elif token.text == "case":
            self._skip_case_subject(token)

    def _begin_list(self) -> None:
        self._connector = ";"
        self._is_negated = self._is_after_compound = False
        self._element_start = self._list_start = len(self._commands)

    def _close(self, token: Token) -> None:
        block = self._blocks[-1] if self._blocks else None
        if block is None or token.text != (_CLOSED_BY.get(block.kind) or ")"):
            raise self._unexpected(token)
        self._next += 1
        self._blocks.pop()
        self._element_start = self._list_start = block.first_command
        self._connector = ";"
        self._is_negated, self._is_after_compound = False, True
        while self._redirection() is not None:
            pass
        following = self._tokens[self._next]
        may_follow = following.text in _CLOSED_BY.values() or following.text in _INNER
        if following.is_word and not may_follow:
            raise self._unexpected(following)

    def _inner(self, token: Token) -> None:
        if not self._blocks or self._blocks[-1].kind not in _INNER[token.text]:
            raise self._unexpected(token)
        self._next += 1
        branch = self._blocks[-1].branch
        if branch is not None:
            self._blocks[-1].branch = _next_branch(branch, token.text)
        self._begin_list()

    def _skip_past_for_words(self, token: Token) -> None:
        """`for NAME [in WORD…] ;` — the words are data, not commands."""
        while self._tokens[self._next].is_word:
            if self._tokens[self._next].text == "do":
                return
            self._next += 1
        if self._tokens[self._next].text not in (";", "\n"):
            raise self._unexpected(token)

    def _skip_case_subject(self, token: Token) -> None:
        self._next += 1
        while self._tokens[self._next].text == "\n" and self._next + 1 < len(self._tokens):
            self._next += 1
        if self._tokens[self._next].text != "in":
            raise self._unexpected(token)
        self._next += 1
        self._blocks[-1].is_in_pattern = True

    def _case_pattern(self) -> None:
        token = self._tokens[self._next]
        block = self._blocks[-1]
        self._next += 1
        if token.text == "esac" and token.is_word:
            self._next -= 1
            block.is_in_pattern = False
            self._close(token)
        elif token.text == ")":
            block.is_in_pattern = False
            self._begin_list()
        elif not token.is_word and token.text not in ("|", "\n", "("):
            raise self._unexpected(token)

    def _case_end(self, token: Token) -> None:
        if not self._blocks or self._blocks[-1].kind != "case":
            raise self._unexpected(token)
        self._next += 1
        self._blocks[-1].is_in_pattern = True

    def _is_function_definition(self) -> bool:
        return [token.text for token in self._tokens[self._next + 1 : self._next + 3]] == ["(", ")"]

    def _define_function(self, token: Token) -> None:
        self._next += 1
        if token.text == "function":
            token = self._tokens[self._next]
            self._next += 1
        if self._tokens[self._next].text == "(":
            self._next += 2
        while self._tokens[self._next].text == "\n" and self._next + 1 < len(self._tokens):
            self._next += 1
        if self._tokens[self._next].text not in ("{", "("):
            raise ShellSyntaxError(f"line {token.line}: a body is expected for `{token.text}`")
        self._function = token.text

    def _simple_command(self, first: Token) -> None:
        words: list[str] = []
        redirections: list[str] = []
        while (token := self._tokens[self._next]).is_word or token.text in _REDIRECTIONS:
            redirected = self._redirection()
            if redirected is not None:
                redirections.append(redirected)
            else:
                words.append(token.text)
                self._next += 1
        if words and words[0] == "[[":
            self._finish_bash_test(words)
        if self._tokens[self._next].text == "(":
            raise self._unexpected(self._tokens[self._next])  # an array, or process substitution
        outer = self._blocks[-1] if self._blocks else None
        self._commands.append(
            Command(
                line=first.line,
                words=tuple(words),
                redirections=tuple(redirections),
                connector=self._connector if self._is_joined() else ";",
                is_negated=self._is_negated,
                branches=tuple(block.branch for block in self._blocks if block.branch),
                is_conditional=self._is_after_compound or bool(outer and outer.is_conditional),
                is_subshell=self._is_piped() or bool(outer and outer.is_subshell),
                function=outer.function if outer else "",
            )
        )
        self._is_negated = False

    def _redirection(self) -> str | None:
        """Read `[n]OPERATOR word` (XCU § 2.7) if one stands here; the `n` touches the operator."""
        number = self._tokens[self._next]
        has_number = number.is_word and re.fullmatch(r"[0-9]", number.text) is not None
        operator = self._tokens[self._next + has_number]
        is_redirection = not operator.is_word and operator.text in _REDIRECTIONS
        if not is_redirection or (has_number and not operator.is_glued):
            return None
        target = self._tokens[self._next + has_number + 1]
        if not target.is_word:
            raise self._unexpected(target)
        self._next += has_number + 2
        return f"{number.text if has_number else ''}{operator.text}{target.text}"

    def _finish_bash_test(self, words: list[str]) -> None:
        """Inside `[[ … ]]` the operators are the test's own."""
        while words[-1] != "]]":
            token = self._tokens[self._next]
            self._next += 1
            if self._next >= len(self._tokens):
                raise ShellSyntaxError(f"line {token.line}: `[[` is not closed")
            words.append(token.text)

    def _is_joined(self) -> bool:
        return self._connector in ("&&", "||")

    def _is_piped(self) -> bool:
        return self._connector in ("|", "|&")

    def _unexpected(self, token: Token) -> ShellSyntaxError:
        shown = "end of line" if token.text == "\n" else f"`{token.text}`"
        return ShellSyntaxError(f"line {token.line}: {shown} is not expected here")


def _next_branch(branch: Branch, word: str) -> Branch:
    """The part of an `if` that `then`, `elif` or `else` begins."""
    if word == "then":
        return replace(branch, is_condition=False)
    return Branch(branch.number, branch.index + 1, word == "elif", is_else=word == "else")
