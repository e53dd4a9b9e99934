"""Asks one question of whoever is at the given addresses."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from .. import tools
from ..errors import ToolError
from ..model import Answer, Question, QuestionKind
from .http import fetch

_TIMEOUT_S = 20.0  # an emulated guest on a busy machine
_EXEC_TIMEOUT_S = 120.0
_BANNER_S = 1.0
_SHOWN_CHARACTERS = 200

Addresses = Mapping[int, tuple[str, int]]  # port of the program -> where it can be reached


def ask(question: Question, addresses: Addresses) -> Answer:
    """What is answered; never an exception for what the other end does."""
    if question.kind is QuestionKind.EXEC:
        return _execute(question, addresses)
    address = addresses[question.port]
    if question.kind is QuestionKind.HTTP:
        return fetch(question, address, _TIMEOUT_S)
    return _connect(address)


def _connect(address: tuple[str, int]) -> Answer:
    """A server may say something first, wait to be asked, or hang up."""
    try:
        with socket.create_connection(address, timeout=_TIMEOUT_S) as connection:
            connection.settimeout(_BANNER_S)
            first = connection.recv(64)
    except TimeoutError:
        return Answer("connection open", is_passed=True)
    except OSError as error:
        return Answer(f"no answer: {error}", is_passed=False)
    if not first:
        return Answer("connection accepted and closed without a byte", is_passed=True)
    return Answer(f"connection open, it said {first!r}", is_passed=True)


def _execute(question: Question, addresses: Addresses) -> Answer:
    """The command finds the ports in its environment."""
    try:
        done = tools.status_of(question.command, _environment(addresses), timeout_s=_EXEC_TIMEOUT_S)
    except ToolError as error:
        return Answer(error.message, is_passed=False)
    said = " ".join(done.output.split())[-_SHOWN_CHARACTERS:]
    words = f"status {done.status}"
    return Answer(f"{words}: {said}" if said and done.status else words, done.status == 0)


def _environment(addresses: Addresses) -> Mapping[str, str]:
    """DOCK2UK_HOST, DOCK2UK_PORT_80 for each port, and DOCK2UK_PORT for the first."""
    host, first = next(iter(addresses.values()))
    ports = {f"DOCK2UK_PORT_{port}": str(number) for port, (_, number) in addresses.items()}
    return os.environ | {"DOCK2UK_HOST": host, "DOCK2UK_PORT": str(first)} | ports
