"""The network of a run: lo, and one interface with an address from which nothing can be reached.

Speaks rtnetlink(7): `ip` need not be there. The other end of the interface is in a namespace with
nothing in it, and there is no default route.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress

from . import linux

INTERFACE = "eth0"
_PREFIX_BITS = 16  # that of Docker's default bridge

# linux/rtnetlink.h, linux/netlink.h, linux/if_link.h, linux/if_addr.h, linux/veth.h
_NEW_LINK = 16
_NEW_ADDRESS = 20
_REQUEST_ACKNOWLEDGED = 0x5
_CREATE_EXCLUSIVELY = 0x600
_LINK_NAME = 3
_LINK_INFO = 18
_LINK_NAMESPACE_DESCRIPTOR = 28
_INFO_KIND = 1
_INFO_DATA = 2
_VETH_PEER = 1
_ADDRESS = 1
_ADDRESS_LOCAL = 2
_NLMSG_ERROR = 2
_UP = 0x1  # IFF_UP


def make(address: str) -> None:
    """Enter a network namespace of our own, with this address on an interface that is up."""
    outside = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.unshare(linux.CLONE_NEWNET)
        _set_up("lo")
        _set_as_docker_does()
        try:
            _make_pair(outside)
            _add_address(INTERFACE, address)
        except OSError:  # a kernel without veth(4): the address is there all the same
            _add_address("lo", address)
    finally:
        os.close(outside)


def _set_as_docker_does() -> None:
    """For interfaces yet to come no IPv6: they would get an address of their own a while after they
    are up, and servers would listen on it or not by chance. And every port is for everybody
    (moby/daemon/oci_linux.go; ip-sysctl.rst)."""
    for name, value in (
        ("ipv6/conf/default/disable_ipv6", "1"),
        ("ipv4/ip_unprivileged_port_start", "0"),
    ):
        with suppress(FileNotFoundError), open(f"/proc/sys/net/{name}", "wb") as file:
            file.write(value.encode())


def _make_pair(outside: int) -> None:
    """A veth whose other end is outside; both must be up for either to have a carrier."""
    peer = _link(0) + _attribute(_LINK_NAME, b"peer0\0")
    peer += _attribute(_LINK_NAMESPACE_DESCRIPTOR, struct.pack("=i", outside))
    data = _attribute(_INFO_DATA, _attribute(_VETH_PEER, peer))
    info = _attribute(_LINK_INFO, _attribute(_INFO_KIND, b"veth\0") + data)
    name = _attribute(_LINK_NAME, INTERFACE.encode() + b"\0")
    _ask(_NEW_LINK, _CREATE_EXCLUSIVELY, _link(0) + name + info)
    inside = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    linux.setns(outside, linux.CLONE_NEWNET)
    try:
        _set_up("peer0")
    finally:
        linux.setns(inside, linux.CLONE_NEWNET)
        os.close(inside)
    _set_up(INTERFACE)


def _set_up(name: str) -> None:
    _ask(_NEW_LINK, 0, _link(socket.if_nametoindex(name), _UP))


def _add_address(name: str, address: str) -> None:
    packed = socket.inet_aton(address)
    header = struct.pack("=BBBBi", socket.AF_INET, _PREFIX_BITS, 0, 0, socket.if_nametoindex(name))
    body = header + _attribute(_ADDRESS_LOCAL, packed) + _attribute(_ADDRESS, packed)
    _ask(_NEW_ADDRESS, _CREATE_EXCLUSIVELY, body)


def _link(index: int, flags: int = 0) -> bytes:
    """struct ifinfomsg; the flags that are set are the ones that change."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


def _attribute(kind: int, data: bytes) -> bytes:
    """struct rtattr, padded to four bytes."""
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def _ask(kind: int, flags: int, body: bytes) -> None:
    """One request, and the kernel's answer to it."""
    header = struct.pack("=IHHII", 16 + len(body), kind, _REQUEST_ACKNOWLEDGED | flags, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as channel:
        channel.send(header + body)
        answer = channel.recv(65536)
    (answer_kind,) = struct.unpack_from("=H", answer, 4)
    (code,) = struct.unpack_from("=i", answer, 16)
    if answer_kind == _NLMSG_ERROR and code:
        raise OSError(-code, f"rtnetlink request {kind}: {os.strerror(-code)}")
