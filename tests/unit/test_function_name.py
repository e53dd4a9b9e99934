"""Names of functions as backtraces show them."""

from __future__ import annotations

import pytest

from dock2uk.link.function_name import readable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("sys_read", "sys_read"),
        ("husk::fs::walk::walk::h0123456789abcdef", "fs::walk::walk"),
        ("core::ptr::drop_in_place<alloc::vec::Vec<u8>>", "core::ptr::drop_in_place"),
        ("<husk::net::Udp as husk::net::Protocol<A>>::send", "net::Udp::send"),
        ("<husk::A as husk::B>::go::{{closure}}", "A::go::{{closure}}"),
        ("alloc::c::search::<impl alloc::c::NodeRef<B,K,V>>::find", "alloc::NodeRef::find"),
        ("core::fmt::num::<impl core::fmt::Debug for usize>::fmt", "core::usize::fmt"),
        ("a::b::c::call<fn(u8)->u8,B>::{{closure}}<C>", "a::c::call::{{closure}}"),
        ("<[T] as core::slice::Ext<u8>>::of<T>", "[T]::of"),
        ("FnOnce::call_once{{vtable.shim}}", "FnOnce::call_once{{vtable.shim}}"),
    ],
)  # fmt: skip
def test_a_name_keeps_what_a_reader_needs(name: str, shown: str) -> None:
    assert readable(name) == shown
