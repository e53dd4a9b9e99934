"""The tarball of a Debian source package, from wherever this machine has its packages.

Few machines have `deb-src` among their sources. So the entries that apt has for this release are
written down once more as sources of source packages, in a directory of our own, with lists of our
own (apt.conf(5)): nothing of the machine's changes, and apt checks signatures as always.
"""

from __future__ import annotations

import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.boot.served import REPOSITORY

KEPT_IN = REPOSITORY / "build" / "outside"
_APT = Path("/etc/apt")
_PATIENCE_S = 300


def unpacked(package: str, version: str) -> Path:
    """The directory of `package` as its authors released `version`, fetched once."""
    directory = KEPT_IN / f"{package}-{version}"
    if not directory.exists():
        KEPT_IN.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT_IN) as temporary:
            archive = _download(package, version, Path(temporary))
            with tarfile.open(archive) as tarball:
                tarball.extractall(temporary, filter="data")
            (Path(temporary) / directory.name).rename(directory)
    return directory


def _download(package: str, version: str, directory: Path) -> Path:
    """Packages of a release keep their upstream version; when that is another, it is said."""
    parts = directory / "parts"
    parts.mkdir()
    for source in (_APT / "sources.list", *sorted((_APT / "sources.list.d").glob("*"))):
        if source.suffix in (".list", ".sources") and source.is_file():
            (parts / source.name).write_text(as_deb_src(source, _codename()))
    _apt_get(directory, "update")
    _apt_get(directory, "source", "--download-only", "--tar-only", package)
    found = sorted(path.name for path in directory.glob(f"{package}_*.orig.tar.*"))
    wanted = f"{package}_{version}.orig.tar"
    assert [name for name in found if name.startswith(wanted)], f"no {wanted}.*, but {found}"
    return directory / found[0]


def _apt_get(directory: Path, *words: str) -> None:
    for name in ("state", "cache"):
        (directory / name).mkdir(exist_ok=True)
    options = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": directory / "parts",
        "Dir::State": directory / "state",
        "Dir::State::Status": "/dev/null",
        "Dir::Cache": directory / "cache",
        "APT::Sandbox::User": "",  # the directory is ours alone
    }
    settings = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    done = subprocess.run(
        ["apt-get", "--quiet=2", *settings, *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)


def as_deb_src(source: Path, codename: str) -> str:
    """The entries of a file of sources.list(5), of either form, that are about the release
    `codename`, as entries of source packages. Other vendors' name suites otherwise."""
    text = source.read_text()
    if source.suffix == ".list":
        return "".join(f"{line}\n" for line in _lines(text, codename))
    return "\n\n".join(_stanzas(text, codename)) + "\n"


def _lines(text: str, codename: str) -> Iterator[str]:
    for line in text.splitlines():
        if found := re.match(rf"deb\s+((?:\[.*?\]\s+)?\S+\s+{codename}\S*\s.*)", line.strip()):
            yield f"deb-src {found[1]}"


def _stanzas(text: str, codename: str) -> Iterator[str]:
    for stanza in re.split(r"\n\s*\n", text):
        is_about = re.search(rf"^Suites:(?:.*\s)?{codename}\b", stanza, re.MULTILINE)
        if is_about and re.search(r"^Types:(?:.*\s)?deb\b", stanza, re.MULTILINE):
            yield re.sub(r"^Types:.*$", "Types: deb-src", stanza, flags=re.MULTILINE)


def _codename() -> str:
    """os-release(5)."""
    said = re.search(r"^VERSION_CODENAME=\"?(\w+)", Path("/etc/os-release").read_text(), re.M)
    assert said is not None, "/etc/os-release has no VERSION_CODENAME"
    return said[1]
