"""What a process listens on, read from outside: its descriptors beside the tables of its network
namespace (proc_net(5)), so that what counts is what is there and not what was called."""

from __future__ import annotations

import os
import socket
import struct

_TCP_LISTEN = "0A"  # net/tcp_states.h
_UDP_UNCONNECTED = "07"
_UNIX_LISTENING = 0x10000  # __SO_ACCEPTCON, linux/net.h
# Linux gives the port of a socket that asked for none from here on (ip_local_port_range, ip(7)): a
# client waiting for an answer looks like a server otherwise.
_FIRST_EPHEMERAL_PORT = 32768

Table = dict[str, str]  # inode of a socket -> what it listens on


def table_of(pid: int) -> Table:
    """Every listening socket of the network namespace that a process is in."""
    found: Table = {}
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for fields in _rows(pid, name):
            if fields[3] == _TCP_LISTEN:
                found[fields[9]] = f"tcp {_address(fields[1], family)}"
    for name, family in (("udp", socket.AF_INET), ("udp6", socket.AF_INET6)):
        for fields in _rows(pid, name):
            port = int(fields[1].rpartition(":")[2], 16)
            if fields[3] == _UDP_UNCONNECTED and 0 < port < _FIRST_EPHEMERAL_PORT:
                found[fields[9]] = f"udp {_address(fields[1], family)}"
    for fields in _rows(pid, "unix"):
        if int(fields[3], 16) & _UNIX_LISTENING:
            found[fields[6]] = f"unix {fields[7] if len(fields) > 7 else '(unnamed)'}"
    return found


def listening(pid: int, table: Table) -> tuple[str, ...]:
    """Those of a table that a process holds, in order."""
    held = set()
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{name}")
            if target.startswith("socket:["):
                held.add(table.get(target[8:-1], ""))
    except OSError:  # it ended, or closed one, meanwhile
        pass
    return tuple(sorted(held - {""}))


def inode_of(pid: int, descriptor: int) -> str | None:
    """The inode of a process's socket, as tables have it; None where it is no socket."""
    try:
        target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
    except OSError:  # not open
        return None
    return target[8:-1] if target.startswith("socket:[") else None


def _rows(pid: int, name: str) -> list[list[str]]:
    try:
        with open(f"/proc/{pid}/net/{name}", encoding="utf-8", errors="replace") as file:
            return [line.split() for line in file][1:]
    except OSError:
        return []


def _address(written: str, family: socket.AddressFamily) -> str:
    """ "0100007F:0050" is 127.0.0.1:80: words of 32 bits in the machine's order."""
    digits, _, port = written.rpartition(":")
    words = [int(digits[place : place + 8], 16) for place in range(0, len(digits), 8)]
    text = socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))
    return f"[{text}]:{int(port, 16)}" if family == socket.AF_INET6 else f"{text}:{int(port, 16)}"
