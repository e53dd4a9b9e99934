"""Files that libraries open by themselves, which no DT_NEEDED names.

Each rule is a fact about a library's documented behaviour and fires only when the closure imports
the functions, or holds the library, that make it happen.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from ..model import Entrypoint, Node, NodeType
from .certificates import add_certificates, openssl_top
from .character_sets import add_character_sets
from .closure import Closure
from .config_words import text_of, without_comments
from .elf_file import ReadElf
from .time_zones import ZONES, add_all_zones

# getpwnam(3), getaddrinfo(3) and the rest of nss(5): who asks which database.
_ACCOUNT_FUNCTIONS = (
    "getpwnam", "getpwnam_r", "getpwuid", "getpwuid_r", "getpwent", "getgrnam", "getgrnam_r",
    "getgrgid", "getgrgid_r", "getgrent", "initgroups", "getgrouplist",
)  # fmt: skip
_HOST_FUNCTIONS = (
    "getaddrinfo", "getnameinfo", "gethostbyname", "gethostbyname2", "gethostbyname_r",
    "gethostbyname2_r", "gethostbyaddr", "gethostbyaddr_r",
)  # fmt: skip
_SERVICE_FUNCTIONS = ("getservbyname", "getservbyport", "getprotobyname", "getprotobynumber")
_TIME_FUNCTIONS = ("localtime", "localtime_r", "tzset", "mktime", "strftime")
# Area/Location (tzselect(8)), a whole C string.
_ZONE_STRING = re.compile(rb"(?<=\0):?([A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z0-9_+-]+){1,2})(?=\0)")
_LOCAL = "/etc/localtime"
_UNIVERSAL = b"\nUTC0\n"  # the footer (tzfile(5)) that universal time alone has
_LOCALES = "/usr/lib/locale"
_NEUTRAL_LOCALE = re.compile(rb"(?<=\0)C\.[Uu][Tt][Ff]-?8(?=\0)")
_UNWIND_FUNCTIONS = ("pthread_exit", "pthread_cancel", "backtrace")
_DATABASES = {
    "passwd": _ACCOUNT_FUNCTIONS,
    "group": _ACCOUNT_FUNCTIONS,
    "initgroups": _ACCOUNT_FUNCTIONS,
    "hosts": _HOST_FUNCTIONS,
    "services": (*_HOST_FUNCTIONS, *_SERVICE_FUNCTIONS),
    "protocols": (*_HOST_FUNCTIONS, *_SERVICE_FUNCTIONS),
}
# A library name as dlopen(3) takes it: a whole C string.
_LIBRARY_STRING = re.compile(rb"(?<=\0)(?:/[\x21-\x7e]*/)?lib[\w.+-]+\.so(?:\.\d+)*(?=\0)")


def add_runtime_files(closure: Closure, entrypoint: Entrypoint) -> None:
    """Need every file that the libraries of the closure open by themselves."""
    _add_name_services(closure)
    _add_time_zone(closure, entrypoint)
    _add_locale(closure, entrypoint)
    _add_unwinder(closure)
    _add_named_libraries(closure)
    add_character_sets(closure)
    _add_openssl(closure)
    add_certificates(closure, entrypoint)


def _add_name_services(closure: Closure) -> None:
    """nsswitch.conf(5) and its libnss_*.so.2; since glibc 2.34 libc itself has files and dns."""
    needs = closure.needs
    wanted = [name for name, functions in _DATABASES.items() if closure.imports(*functions)]
    if not wanted:
        return
    asked = "looked up by name: the program or a library imports the functions of nss(5)"
    if closure.imports(*_ACCOUNT_FUNCTIONS):
        needs.add("/etc/passwd", f"accounts are {asked}")
        needs.add("/etc/group", f"groups are {asked}")
    if closure.imports(*_HOST_FUNCTIONS, *_SERVICE_FUNCTIONS):
        for path in ("/etc/services", "/etc/protocols", "/etc/gai.conf", "/etc/host.conf"):
            if _says_anything(needs.at(path)):
                needs.add(path, f"hosts and services are {asked}")
    libc = closure.library("libc.so.")
    if libc is None:
        return  # musl has no NSS
    node = needs.add("/etc/nsswitch.conf", f"{', '.join(wanted)} are {asked}")
    text = ""
    if node is not None and node.type is NodeType.FILE and node.content is not None:
        text = without_comments(node.content.read().decode("utf-8", "replace"))
    for line in text.splitlines():
        database, _, services = line.partition(":")
        for service in re.findall(r"\w+", re.sub(r"\[.*?\]", "", services)):
            is_built_in = service in ("files", "dns") and libc.holds("\0GLIBC_2.34\0")
            if database.strip() in wanted and not is_built_in:
                _add_by_name(
                    closure, f"libnss_{service}.so.2", f"{database.strip()} in /etc/nsswitch.conf"
                )


def _says_anything(node: Node | None) -> bool:
    """Whether a configuration file is more than comments: one that is not is as none."""
    if node is None or node.type is not NodeType.FILE or node.content is None:
        return node is not None
    text = text_of(node.content.read())
    return text is None or bool(without_comments(text).strip())


def _add_by_name(closure: Closure, name: str, because: str) -> None:
    """A library that libc opens by name, when the image has it."""
    libc = closure.library("libc.so.")
    for path in closure.find(name, libc) if libc is not None else ():
        closure.add_library(path, because)


def _add_time_zone(closure: Closure, entrypoint: Entrypoint) -> None:
    readers = (entrypoint.exe, *closure.plug_ins)  # libc has the path too, for TZ alone
    reader = next((one for one in readers if closure.elves[one].holds(ZONES)), None)
    if reader is not None:
        add_all_zones(closure, f"time zones are read by name: {ZONES} in {reader}")
    if not closure.imports(*_TIME_FUNCTIONS):
        return
    _add_written_zones(closure, readers)
    zone = _variable(entrypoint, "TZ").lstrip(":")
    if zone:
        path = posixpath.normpath(posixpath.join(ZONES, zone))
        closure.needs.add(path, f"time zone of the environment variable TZ={zone} (tzset(3))")
    localtime = closure.needs.tree.resolve(_LOCAL)
    if localtime is not None and not _is_as_none(closure, localtime):
        closure.needs.add(_LOCAL, "the local time zone (tzset(3))")
        closure.needs.add(localtime.path, "the local time zone (tzset(3))")


def _add_written_zones(closure: Closure, readers: Iterable[str]) -> None:
    """Those that a program sets itself (setenv(3), tzset(3)), as its text has them."""
    for reader in readers:
        for name in closure.elves[reader].strings(_ZONE_STRING):
            because = f"time zone {name} is written in {reader}"
            closure.needs.add(posixpath.join(ZONES, name), because)


def _is_as_none(closure: Closure, localtime: Node) -> bool:
    """Universal time is what libc takes without the file; others may look where the link leads."""
    content = localtime.content
    is_universal = content is not None and content.read().endswith(_UNIVERSAL)
    of_libc = ("libc.", "ld-musl-")
    others = (
        elf
        for path, elf in closure.elves.items()
        if not posixpath.basename(path).startswith(of_libc)
    )
    return is_universal and not any(elf.holds(_LOCAL) for elf in others)


def _add_locale(closure: Closure, entrypoint: Entrypoint) -> None:
    """setlocale(3) opens locale data only when the environment names a locale other than C, or the
    program one by itself: interpreters do (PEP 538)."""
    if not closure.imports("setlocale", "newlocale"):
        return
    _add_written_locale(closure, closure.elves[entrypoint.exe])
    variables = ("LC_ALL", "LANG", "LC_CTYPE", "LC_MESSAGES", "LC_TIME", "LC_COLLATE", "LC_NUMERIC")
    names = {_variable(entrypoint, variable) for variable in variables} - {"", "C", "POSIX"}
    for name in sorted(names):
        because = f"locale {name} of the environment (setlocale(3))"
        closure.needs.add(f"{_LOCALES}/locale-archive", because)
        _add_locale_directory(closure, name, because)


def _add_written_locale(closure: Closure, program: ReadElf) -> None:
    for name in program.strings(_NEUTRAL_LOCALE):
        because = f"locale {name} is written in {program.file.path}"
        _add_locale_directory(closure, name, because)


def _add_locale_directory(closure: Closure, name: str, because: str) -> None:
    language, _, codeset = name.partition(".")
    normalized = f"{language}.{codeset.lower().replace('-', '')}" if codeset else language
    node = closure.needs.add(f"{_LOCALES}/{normalized}", because)
    for below in closure.needs.files_below(node) if node is not None else ():
        closure.needs.add(below.path, because)


def _add_unwinder(closure: Closure) -> None:
    """glibc opens libgcc_s to unwind a stack (misc/unwind-link.c)."""
    for path, read in sorted(closure.elves.items()):
        if used := sorted(read.file.imports.intersection(_UNWIND_FUNCTIONS)):
            because = f"libc opens it for {used[0]}, which {path} imports"
            _add_by_name(closure, "libgcc_s.so.1", because)
            return


def _add_named_libraries(closure: Closure) -> None:
    """Libraries whose names are written in whatever imports dlopen(3)."""
    for path, read in sorted(closure.elves.items()):
        if not read.file.imports & {"dlopen", "__libc_dlopen_mode"}:
            continue
        for name in read.strings(_LIBRARY_STRING):
            for library in closure.find(name, read):
                closure.add_library(library, f"{name} is written in {path}, which uses dlopen(3)")


def _add_openssl(closure: Closure) -> None:
    """config(5ssl), and the providers that it configures."""
    needs = closure.needs
    crypto = closure.library("libcrypto.so.")
    if crypto is None:
        return
    path = f"{openssl_top(crypto.data)}/openssl.cnf"
    config = needs.add(path, f"read by {crypto.file.path} when it starts")
    text = ""
    if config is not None and config.type is NodeType.FILE and config.content is not None:
        text = without_comments(config.content.read().decode("utf-8", "replace"))
    _add_openssl_modules(closure, crypto.data, set(re.findall(r"\w+", text)))


def _add_openssl_modules(closure: Closure, crypto: bytes, configured: set[str]) -> None:
    """Providers and engines, whose files are named after them (config(5ssl))."""
    for match in re.finditer(rb'(?:MODULES|ENGINES)DIR: "(/[\x21-\x7e]+?)"\0', crypto):
        directory = closure.needs.tree.resolve(match[1].decode("ascii"))
        for node in closure.needs.tree.children(directory.path) if directory is not None else ():
            stem = posixpath.basename(node.path).removesuffix(".so")
            if stem in configured:
                closure.add_library(node.path, f"module {stem} is named in openssl.cnf")


def _variable(entrypoint: Entrypoint, name: str) -> str:
    values = [e.partition("=")[2] for e in entrypoint.env if e.startswith(f"{name}=")]
    return values[-1] if values else ""
