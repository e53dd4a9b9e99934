"""Packages of the image's distribution, whichever of dpkg, apk and rpm has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..model import Package, Tree
from . import apk, dpkg, rpm
from .distribution import ecosystem_of, read_distribution
from .image_files import ImageFiles
from .values import Distribution, Gap, Installed, Unread

_DATABASES = (dpkg, apk, rpm)
ECOSYSTEMS = tuple(database.ECOSYSTEM for database in _DATABASES)
_SHOWN = 3


def system_packages(tree: Tree) -> tuple[Package, ...]:
    """Every installed package of the distribution, in name order."""
    files = ImageFiles(tree)
    return read_system(files, read_distribution(files))[0]


def read_system(
    files: ImageFiles, distribution: Distribution | None
) -> tuple[tuple[Package, ...], tuple[Unread, ...]]:
    """The same, and what could not be read."""
    read = {
        database.ECOSYSTEM: tuple(database.read(files, distribution)) for database in _DATABASES
    }
    found = [one for some in read.values() for one in some]
    packages = tuple(_resolved([one for one in found if isinstance(one, Installed)]))
    unread = [replace(one, gap=Gap.DATABASE) for one in found if isinstance(one, Unread)]
    unread += _without_list(packages)
    ecosystem = ecosystem_of(distribution)
    if distribution is not None and ecosystem is not None and not read[ecosystem]:
        unread.append(_missing(ecosystem, distribution))
    return packages, tuple(dict.fromkeys(unread))


def owners(packages: tuple[Package, ...]) -> Mapping[str, tuple[Package, ...]]:
    """Path -> the packages that list it; directories have many."""
    owned: dict[str, list[Package]] = {}
    for package in packages:
        for path in package.files:
            owned.setdefault(path, []).append(package)
    return {path: tuple(found) for path, found in owned.items()}


def with_dependencies(packages: tuple[Package, ...], names: Iterable[str]) -> tuple[Package, ...]:
    """The packages named and all that they depend on, each once, in the order met."""
    by_name: dict[str, list[Package]] = {}
    for package in packages:
        by_name.setdefault(package.name, []).append(package)
    met: dict[str, list[Package]] = {}
    pending = [name for name in names if name in by_name]
    while pending:
        name = pending.pop(0)
        if name not in met:
            met[name] = by_name[name]
            pending += [other for package in by_name[name] for other in package.depends]
    return tuple(package for found in met.values() for package in found)


def _resolved(found: list[Installed]) -> Iterator[Package]:
    """Each once, in name order, with the names of installed packages that have what it wants."""
    providers: dict[str, list[str]] = {}
    for one in found:
        for capability in (one.package.name, *one.provides):
            providers.setdefault(capability, []).append(one.package.name)
    once = {(one.package.name, one.package.version, one.package.architecture): one for one in found}
    for _, one in sorted(once.items()):
        names = (name for want in one.wants for name in providers.get(want, ()))
        depends = tuple(name for name in dict.fromkeys(names) if name != one.package.name)
        yield replace(one.package, depends=depends)


def _without_list(packages: Iterable[Package]) -> Iterator[Unread]:
    names = [package.name for package in packages if not package.is_file_list_known]
    if names:
        shown = ", ".join(names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield Unread(
            f"{dpkg.PLACES[0]} and what is beside it",
            f"no list of the files of {shown}{more}",
            Gap.FILES,
        )


def _missing(ecosystem: str, distribution: Distribution) -> Unread:
    """A distribution without its database has been stripped of it: that is not "no packages"."""
    places = {database.ECOSYSTEM: database.PLACES for database in _DATABASES}[ecosystem]
    because = f"not there, though the image is of {distribution.id}"
    return Unread(places[0], because, Gap.DATABASE)
