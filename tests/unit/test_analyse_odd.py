"""Images made at random: whatever they hold, the answer is a result or a clear refusal."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from tiny_elf import tiny_elf
from trees import Entry, Link, image, program, read_entrypoint

from dock2uk import analyse
from dock2uk.errors import Dock2ukError
from dock2uk.model import (
    Image,
    ImageConfig,
    Keep,
    Node,
    NodeType,
    Rule,
    StripMode,
    Stripping,
)
from dock2uk.strip import strip

EVERYTHING = (Rule("/*", "--keep /*"),)
NAMES = ("a", "b", "lib", "etc", "usr", "var", "liba.so", "server", "sh", "passwd", "run")
PLACES = (
    "/usr/bin/server", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/server.conf",
    "/etc/ld.so.cache", "/etc/ld.so.preload", "/lib64/ld-linux-x86-64.so.2", "/usr/lib/liba.so",
    "/usr/lib/libc.so.6", "/var/lib/dpkg/status", "/var/lib/dpkg/info/a.list",
    "/usr/lib/libnss_b.so.2",
)  # fmt: skip
TEXTS = (
    "root:x:0:0::/:/bin/sh\n::::::\na:x:99999999999999999999:1::/:\n",
    "passwd: a b files\nhosts: \n",
    "Package: a\nStatus: install ok installed\n\nPackage:\n\n\n",
    "/.\n/usr\n/usr/bin/server\nrelative\n",
    "include /etc/*/[a;\nroot ../../../..;\nx = ${y} /a/b /proc/self/fd/1 /etc\n",
    "\0\0",
    "",
    '#!/bin/sh\nexec server "$@"\n',
    "liba.so /a/b\n",
    "/" * 300 + "\n" + "a/" * 300,
)


def make_path(generator: random.Random) -> str:
    if generator.random() < 0.6:
        return generator.choice(PLACES)
    return "/" + "/".join(generator.choice(NAMES) for _ in range(generator.randint(1, 3)))


def make_entry(generator: random.Random) -> Entry:
    kind = generator.random()
    if kind < 0.2:
        return Link(generator.choice(("/", "..", ".", "a", "/a", make_path(generator), "../../b")))
    if kind < 0.3:
        return None
    if kind < 0.6:
        return generator.choice(TEXTS)
    whole = make_program(generator, mode=generator.choice((0o755, 0o644, 0o4755)))
    assert whole.content is not None
    data = whole.content.read()
    cut = len(data) if generator.random() < 0.8 else generator.randrange(len(data))
    return program("", data[:cut], mode=whole.mode)


def make_program(generator: random.Random, mode: int) -> Node:
    data = tiny_elf(
        interpreter=generator.choice((None, "/lib64/ld-linux-x86-64.so.2", "/a")),
        needed=generator.choices(
            ("liba.so", "libc.so.6", "/a/liba.so", ""), k=generator.randint(0, 2)
        ),
        runpath=generator.choice(("", "$ORIGIN:/a", "::", "${LIB}/../a")),
        imports=["getpwnam", "dlopen", "iconv_open", "localtime", "pthread_exit"],
        strings=[make_path(generator) for _ in range(4)],
    )
    return program("", data, mode=mode)


def make_image(generator: random.Random) -> Image:
    entries = {make_path(generator): make_entry(generator) for _ in range(25)}
    if generator.random() < 0.9:
        entries["/usr/bin/server"] = make_program(generator, mode=0o4755)
    if generator.random() < 0.9:
        entries["/lib64/ld-linux-x86-64.so.2"] = program("", tiny_elf(interpreter=None))
    config = ImageConfig(
        cmd=(generator.choice(("server", "/usr/bin/server", "server", "a")), make_path(generator)),
        env=(f"X={make_path(generator)}", "LANG=C.UTF-8", "TZ=../../etc", "LD_PRELOAD=liba.so"),
        working_dir=generator.choice(("", "/", "/a/b", "relative", "/usr/bin/server")),
        volumes=(make_path(generator), "//"),
        user=generator.choice(("", "", "", "0", "0:0", "1:2", ":", "9" * 50, "²", "a:b")),
    )
    return image(entries, config)


@pytest.mark.parametrize("seed", range(10))
def test_every_image_is_decided_or_refused(seed: int) -> None:
    generator = random.Random(seed)
    decided = 0
    for _ in range(40):
        made = make_image(generator)
        with suppress(Dock2ukError):
            found = read_entrypoint(made)
            stripping = Stripping(generator.choice(list(StripMode)), EVERYTHING)
            root = strip(made, found, analyse.analyse(made, found), stripping)
            decided += 1
            paths = [decision.path for decision in root.decisions]
            assert paths == [node.path for node in made.tree]
            kept = {decision.path for decision in root.decisions if isinstance(decision, Keep)}
            assert kept <= {node.path for node in root.nodes}
            is_whole = stripping.mode is StripMode.NONE
            assert is_whole or not any(is_privileged(node) for node in root.nodes)
    assert decided > 0


def is_privileged(node: Node) -> bool:
    return node.type is NodeType.FILE and bool(node.mode & 0o6000)
