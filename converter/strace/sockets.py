"""Addresses, options and messages of sockets."""

from __future__ import annotations

import ipaddress
import struct

from . import constants, quoted
from .kinds import View, pointee, signed, unsigned, value
from .memory import Memory
from .signature import Argument

_HALF = 1 << 32
_AF_UNSPEC, _AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 0, 1, 2, 10, 16
_SOL_SOCKET = 1
_SCM_RIGHTS, _SCM_CREDENTIALS = 1, 2
_MMSGHDR_BYTES = 64
_TYPE_MASK = 0xF
# Which names the options of a level have (setsockopt(2)).
_OPTIONS = {0: "ip_option", 1: "socket_option", 6: "tcp_option", 41: "ipv6_option"}


@value("socket_type")
def _socket_type(view: View, number: int) -> str:
    kind = constants.value("socket_type", number & _TYPE_MASK)
    rest = number % _HALF & ~_TYPE_MASK
    return f"{kind}|{constants.flags('socket_type_flags', rest)}" if rest else kind


@value("protocol")
def _protocol(view: View, number: int) -> str:
    family = view.registers[0] % _HALF
    if family in (_AF_INET, _AF_INET6):
        return constants.value("protocol", number % _HALF)
    if family == _AF_NETLINK:
        return constants.value("netlink_protocol", number % _HALF)
    return str(number % _HALF)


@value("socket_option")
def _socket_option(view: View, number: int) -> str:
    group = _OPTIONS.get(view.registers[1] % _HALF)
    return f"{number % _HALF:#x}" if group is None else constants.value(group, number % _HALF)


@pointee("sockaddr", 1)
def _sockaddr(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    size = min(view.count(argument) % _HALF, 128)
    data = memory.read(at, size)
    return None if data is None else address(data)


@pointee("sockaddr_out", 128)
def _sockaddr_out(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    """As long as what the next argument points to says, before or after the call."""
    size = _out_size(view, argument)
    if size is None:
        return None
    return address(memory.read_some(at, size)) if size else "NULL"


def _out_size(view: View, argument: Argument) -> int | None:
    """The smaller of the space there was and what there was to put into it."""
    place = view.registers[argument.register + 1]
    space, used = view.before.read(place, 4), view.after.read(place, 4)
    return None if space is None or used is None else min(unsigned(space), unsigned(used))


def address(data: bytes) -> str | None:
    """struct sockaddr of whatever family."""
    if len(data) < 2:
        return None
    family = unsigned(data[:2])
    name = f"sa_family={constants.value('family', family)}"
    if family == _AF_UNIX:
        return f"{{{name}{_unix_path(data[2:])}}}"
    if family == _AF_INET and len(data) >= 8:
        port, raw = struct.unpack_from(">HI", data, 2)
        where = ipaddress.IPv4Address(raw)
        return f'{{{name}, sin_port=htons({port}), sin_addr=inet_addr("{where}")}}'
    if family == _AF_INET6 and len(data) >= 28:
        port, flow = struct.unpack_from(">HI", data, 2)
        where6 = ipaddress.IPv6Address(data[8:24])
        return (
            f"{{{name}, sin6_port=htons({port}), sin6_flowinfo=htonl({flow}), "
            f'inet_pton(AF_INET6, "{where6}", &sin6_addr), '
            f"sin6_scope_id={unsigned(data[24:28])}}}"
        )
    return f"{{{name}, sa_data={quoted.text(data[2:])}}}"


def _unix_path(data: bytes) -> str:
    if not data:
        return ""
    if data[0] == 0:
        return f", sun_path=@{quoted.text(data[1:])}"
    return f", sun_path={quoted.text(data.partition(bytes(1))[0])}"


@pointee("option", 1)
def _option(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    size = view.count(argument) % _HALF
    data = memory.read(at, min(size, 64))
    return None if data is None else _shown_option(view, data)


@pointee("option_out", 128)
def _option_out(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    size = _out_size(view, argument)
    data = None if size is None else memory.read(at, min(size, 128))
    return None if data is None else _shown_option(view, data)


def _shown_option(view: View, data: bytes) -> str | None:
    level, number = (view.registers[index] % _HALF for index in (1, 2))
    group = _OPTIONS.get(level)
    name = constants.known_value(group, number) if group else None
    if name == "SO_LINGER" and len(data) == 8:
        on, seconds = struct.unpack("<ii", data)
        return f"{{l_onoff={on}, l_linger={seconds}}}"
    if name in ("SO_RCVTIMEO", "SO_SNDTIMEO") and len(data) == 16:
        seconds, part = struct.unpack("<qq", data)
        return f'"{{tv_sec={seconds}, tv_usec={part}}}"'.strip('"')
    if name == "SO_PEERCRED" and len(data) == 12:
        pid, uid, gid = struct.unpack("<iii", data)
        return f"{{pid={pid}, uid={uid}, gid={gid}}}"
    if len(data) == 4:
        number = signed(unsigned(data), 32)
        if name == "SO_ERROR":
            return f"[{constants.error(number).partition(' ')[0] if number else 0}]"
        return f"[{number}]"
    return quoted.text(data)


@pointee("iovec", 16, "v")
def _iovec(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    moved = max(view.result or 0, 0) if argument.is_result else None
    return _buffers(view, memory, at, view.count(argument), moved)


def _buffers(view: View, memory: Memory, at: int, count: int, moved: int | None) -> str | None:
    """struct iovec in order; of buffers that were filled only what was moved is shown."""
    shown: list[str] = []
    left = moved
    for index in range(min(count, view.text_limit)):
        words = memory.words(at + 16 * index, 2)
        if words is None:
            return None if not shown else f"[{', '.join(shown)}, ...]"
        base, length = words
        held = length if left is None else min(length, left)
        left = None if left is None else left - held
        shown.append(f"{{iov_base={_buffer(view, memory, base, held)}, iov_len={length}}}")
    more = ["..."] * (count > view.text_limit)
    return f"[{', '.join(shown + more)}]"


def _buffer(view: View, memory: Memory, base: int, held: int) -> str:
    if base == 0:
        return "NULL"
    wanted = min(held, view.text_limit)
    data = memory.read(base, wanted) if wanted else b""
    return f"{base:#x}" if data is None else quoted.text(data, is_cut=held > wanted)


@pointee("msghdr", _MMSGHDR_BYTES, "h")
def _msghdr(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    moved = max(view.result or 0, 0) if argument.is_result else None
    return _message(view, argument, memory, at, moved)


@pointee("mmsghdr", _MMSGHDR_BYTES, "h")
def _mmsghdr(view: View, argument: Argument, memory: Memory, at: int) -> str | None:
    messages = []
    for index in range(min(view.count(argument), view.text_limit)):
        place = at + _MMSGHDR_BYTES * index
        # How long each became is known after the call, for what was sent as well.
        length = view.after.read(place + 56, 4) or memory.read(place + 56, 4) or b""
        moved = unsigned(length) if argument.is_result else None
        header = _message(view, argument, memory, place, moved)
        messages.append(f"{{msg_hdr={header}, msg_len={unsigned(length)}}}")
    return f"[{', '.join(messages)}]"


def _message(
    view: View, argument: Argument, memory: Memory, at: int, moved: int | None
) -> str | None:
    data = memory.read(at, 56)
    if data is None:
        return None
    name, name_bytes, buffers, count, control, control_bytes, flags = struct.unpack(
        "<QI4xQQQQI4x", data
    )
    where = "NULL"
    if name:
        where = address(memory.read_some(name, name_bytes)) or f"{name:#x}"
    shown = [f"msg_name={where}", f"msg_namelen={name_bytes}"]
    shown += [f"msg_iov={_buffers(view, memory, buffers, count, moved)}", f"msg_iovlen={count}"]
    if control_bytes:
        held = _control(memory, control, control_bytes) or f"{control:#x}"
        shown += [f"msg_control={held}"]
    shown += [f"msg_controllen={control_bytes}", f"msg_flags={constants.flags('message', flags)}"]
    return f"{{{', '.join(shown)}}}"


def _control(memory: Memory, at: int, size: int) -> str | None:
    """Ancillary data (cmsg(3))."""
    shown = []
    offset = 0
    while offset + 16 <= size:
        header = memory.read(at + offset, 16)
        if header is None:
            return None
        length, level, kind = struct.unpack("<Qii", header)
        if length < 16:
            break
        data = memory.read_some(at + offset + 16, length - 16)
        shown.append(_ancillary(length, level, kind, data))
        offset += -(-length // 8) * 8
    return f"[{', '.join(shown)}]"


def _ancillary(length: int, level: int, kind: int, data: bytes) -> str:
    name = f"{kind:#x}"
    payload = quoted.text(data)
    if level == _SOL_SOCKET:
        name = constants.value("control_message", kind)
    if level == _SOL_SOCKET and kind == _SCM_RIGHTS and len(data) % 4 == 0:
        payload = f"[{', '.join(str(fd) for (fd,) in struct.iter_unpack('<i', data))}]"
    elif level == _SOL_SOCKET and kind == _SCM_CREDENTIALS and len(data) == 12:
        pid, uid, gid = struct.unpack("<iii", data)
        payload = f"{{pid={pid}, uid={uid}, gid={gid}}}"
    shown = f"cmsg_len={length}, cmsg_level={constants.value('socket_level', level)}"
    return f"{{{shown}, cmsg_type={name}, cmsg_data={payload}}}"
