"""The order of versions: documented cases, and the packages' own tools as judges."""

from __future__ import annotations

import random
import shutil
import subprocess
from itertools import pairwise

import pytest

from dock2uk.vulnerabilities.versions import order

# From early to late, and `=` between what is the same.
ORDERED = {
    # deb-version(7), and Debian Policy § 5.6.12
    "deb": (
        "0~rc1-1 < 0-1 < 1.0~~ < 1.0~~a < 1.0~ < 1.0 = 1.0-0 = 0:1.0 < 1.0-1~bpo12+1 < 1.0-1"
        " < 1.0-1+b1 < 1.0-1+deb12u1 < 1.0-1+deb12u10 < 1.0a < 1.0+dfsg-1 < 1.0.1 < 1.1 < 1.9"
        " < 1.10 < 1:0.1 < 2:0"
    ),
    # apk-package(5), and cases of apk's own test of versions
    "apk": (
        "0.1.0_alpha < 0.1.0_alpha1 < 0.1.0_alpha2 < 0.1.0_beta < 0.1.0_pre2 < 0.1.0_rc1"
        " < 0.1.0_rc1-r1 < 0.1.0 < 0.1.0-r0 < 0.1.0-r1 < 0.1.0_cvs1 < 0.1.0_git20200101"
        " < 0.1.0_p1-r2 < 0.1.0_p3 < 0.1.0a < 0.1.0b < 0.1.0.1 < 0.1.05 < 0.1.1 < 0.1.10 < 0.2"
        " < 1.36.1-r2 < 1.36.1-r29 < 9.9 < 10"
    ),
    # rpm-version(7), and cases of rpm's own test of rpmvercmp
    "rpm": (
        "1.0~rc1 < 1.0~rc1^git < 1.0~rc2 < 1.0 < 1.0^ < 1.0^git1~pre < 1.0^git1"
        " < 1.0^git2 < 1.0a < 1.0.1 = 1.0_1 < 1.0.010 = 1.0.10 < 2.0-1.fc9 < 2.0-1.fc10"
        " < 2.0-2 < 2.0.1 < 2.0.1a < 1:0.5-1"
    ),
    # PEP 440
    "pypi": "1.0.dev1 < 1.0a1 < 1.0b1 < 1.0rc1 < 1.0 = 1.0.0 < 1.0.post1 < 1.1 < 1!0.1",
    # semver.org § 11
    "npm": (
        "1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta < 1.0.0-beta.2"
        " < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0 = 1.0.0+build < 1.9.0 < 1.10.0"
    ),
    "golang": (
        "v0.0.0-20200101000000-abcdef < v0.1.0 < 1.21rc2 = 1.21.0-rc.2 < 1.21 = 1.21.0"
        " < v2.0.0+incompatible < v2.0.1"
    ),
    # POM reference, "Version Order Specification"
    "maven": (
        "1-alpha-1 = 1-a1 < 1-beta < 1-milestone < 1-rc = 1-cr < 1-SNAPSHOT < 1 = 1.ga = 1-ga"
        " = 1-0 = 1.0 = 1.0.0 = 1.final < 1-sp < 1-foo2 < 1-foo10 < 1-1 < 1.1 < 2-sp-1 < 2-ga-1"
    ),
    # Gem::Version
    "gem": "1.0.a < 1.0.a.2 < 1.0.b1 < 1.0.pre < 1.0 = 1 = 1.0.0 < 1.0.1 < 1.9 < 1.10 < 2.0-1 < 2",
    "composer": (
        "1.0-dev < 1.0.0-alpha1 < 1.0-beta1 < 1.0.0-beta2 < 1.0-RC1 < 1.0 = v1.0.0.0 < 1.0-pl1"
        " < 1.0.1"
    ),
}  # fmt: skip


@pytest.mark.parametrize("ecosystem", ORDERED)
def test_documented_orders(ecosystem: str) -> None:
    key = order(ecosystem)
    assert key is not None
    ranks = [[key(one) for one in same.split(" = ")] for same in ORDERED[ecosystem].split(" < ")]
    for same in ranks:
        assert all(not one < same[0] and not same[0] < one for one in same)
    for earlier_rank, later_rank in pairwise(ranks):
        for earlier in earlier_rank:
            assert all(earlier < later and not later < earlier for later in later_rank)


@pytest.mark.parametrize("ecosystem", ORDERED)
def test_orders_are_orders(ecosystem: str) -> None:
    """Of all pairs, not of neighbours alone."""
    key = order(ecosystem)
    assert key is not None
    ranks = [same.split(" = ")[0] for same in ORDERED[ecosystem].split(" < ")]
    for at, earlier in enumerate(ranks):
        for later in ranks[at + 1 :]:
            assert key(earlier) < key(later), (earlier, later)


@pytest.mark.parametrize(
    ("ecosystem", "version"),
    [
        ("deb", ""), ("deb", "1 2"), ("deb", "a:1"), ("apk", "1.0_new"), ("apk", "v1"),
        ("rpm", " "), ("pypi", "latest"), ("npm", "latest"), ("golang", "(devel)"),
        ("maven", "${version}"), ("gem", "x"), ("composer", "dev-main"),
    ],
)  # fmt: skip
def test_what_is_no_version_is_refused(ecosystem: str, version: str) -> None:
    key = order(ecosystem)
    assert key is not None
    with pytest.raises(ValueError, match="ersion"):
        key(version)


def test_an_unknown_ecosystem_has_no_order() -> None:
    assert order("swift") is None


def random_versions(letters: str, count: int) -> list[str]:
    """Short, so that the same parts meet; the seed is fixed."""
    chance = random.Random(letters)
    return [
        "1" + "".join(chance.choice(letters) for _ in range(chance.randrange(1, 7)))
        for _ in range(count)
    ]


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
def test_dpkg_says_the_same() -> None:
    key = order("deb")
    assert key is not None
    for one, other in pairwise(random_versions("019a.~+", 100)):
        relation = "lt" if key(one) < key(other) else "gt" if key(other) < key(one) else "eq"
        command = ["dpkg", "--compare-versions", one, relation, other]
        assert subprocess.run(command, check=False).returncode == 0, (one, relation, other)


@pytest.mark.skipif(shutil.which("rpm") is None, reason="rpm is not installed")
def test_rpm_says_the_same() -> None:
    key = order("rpm")
    assert key is not None
    pairs = list(pairwise(random_versions("019aB.~^_", 1500)))
    ours = [(key(other) < key(one)) - (key(one) < key(other)) for one, other in pairs]
    calls = "".join(f'print(rpm.vercmp("{one}", "{other}").." ")' for one, other in pairs)
    command = ["rpm", "--eval", f"%{{lua:{calls}}}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert [
        pair for pair, mine, theirs in zip(pairs, ours, said, strict=True) if mine != int(theirs)
    ] == []
