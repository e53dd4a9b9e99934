"""The modules that iconv(3) opens, one for each character set that libc has not built in.

All of them are some 250 libraries. Kept are those of the character sets whose names are written in
a program or library that calls iconv_open; names that come from data are not found, and are said.
Multibyte functions alone need no module in the C and UTF-8 locales.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from ..model import Node, NodeType
from .closure import Closure

_DIRECTORIES = ("/usr/lib/x86_64-linux-gnu/gconv", "/usr/lib64/gconv", "/usr/lib/gconv")
_NAME_STRING = re.compile(rb"(?<=\0)[A-Za-z0-9_:.-]{3,30}(?=(?://[A-Za-z]*)?\0)")


def add_character_sets(closure: Closure) -> None:
    """Need the iconv modules that the closure names, and the tables that lead to them."""
    if closure.library("libc.so.") is None:
        return  # musl has every character set built in
    users = [
        path for path, read in sorted(closure.elves.items()) if "iconv_open" in read.file.imports
    ]
    directory = next(filter(None, map(closure.needs.tree.resolve, _DIRECTORIES)), None)
    if not users or directory is None:
        return
    modules = _modules(closure, directory)
    for path in users:
        because = f"{path} converts character sets with iconv(3)"
        for table in ("gconv-modules", "gconv-modules.cache", "gconv-modules.d"):
            closure.needs.add(f"{directory.path}/{table}", because)
        for name in closure.elves[path].strings(_NAME_STRING):
            module = modules.get(name.upper())
            if module is not None and (name.isupper() or not name.isalpha()):  # not "Dec"
                closure.add_library(
                    f"{directory.path}/{module}.so",
                    f"character set {name} is written in {path} (iconv(3))",
                )
    closure.needs.note(
        f"iconv(3) is called by {', '.join(users)}: character sets that these do not name "
        f"themselves are left out (all of them: --keep {directory.path})"
    )


def _modules(closure: Closure, directory: Node) -> Mapping[str, str]:
    """Character set, aliases included -> module (glibc iconv/gconv-modules, its head says how)."""
    tables = [closure.needs.tree.resolve(f"{directory.path}/gconv-modules")]
    extra = closure.needs.tree.resolve(f"{directory.path}/gconv-modules.d")
    tables += closure.needs.files_below(extra) if extra is not None else ()
    modules: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for node in tables:
        if node is None or node.type is not NodeType.FILE or node.content is None:
            continue
        for line in node.content.read().decode("utf-8", "replace").splitlines():
            words = line.split("#")[0].replace("//", "").split()
            if len(words) >= 4 and words[0] == "module":
                charset = words[2] if words[1].upper() == "INTERNAL" else words[1]
                modules.setdefault(charset.upper(), posixpath.basename(words[3]))
            elif len(words) == 3 and words[0] == "alias":
                aliases[words[1].upper()] = words[2].upper()
    return modules | {alias: modules[name] for alias, name in aliases.items() if name in modules}
