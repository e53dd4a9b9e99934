"""What is left of packages: counted by the files that the source image has of them."""

from __future__ import annotations

import pytest

from dock2uk.packages import Remains, State, copies, inventory, states
from tests.packages import databases
from tests.unit.trees import Entry, Link, tree

FILES: dict[str, Entry] = {
    "/lib": Link("usr/lib"),
    "/usr/lib/a.so": Link("a.so.1"),
    "/usr/lib/a.so.1": "",
    "/usr/share/doc/a": "",
}
LISTED = ["/lib", "/lib/a.so", "/lib/a.so.1", "/usr/share/doc/a", "/usr/share/man/excluded"]


def remains(*kept: str, name: str = "a") -> Remains:
    lists = databases.dpkg(
        "Package: a\nVersion: 1\n", "Package: empty\nVersion: 1\n", "Package: other\nVersion: 1\n",
        a=LISTED, empty=["/usr"],
    )  # fmt: skip
    found = inventory(tree({**lists, **FILES}))
    (of_name,) = [one for one in states(found, set(kept)) if one.package.name == name]
    return of_name


@pytest.mark.parametrize(
    ("kept", "state"),
    [
        ((), State.REMOVED),
        (("/", "/usr", "/usr/lib", "/lib"), State.REMOVED),  # directories, and a link to one
        (("/usr/lib/a.so.1",), State.PARTIAL),
        (("/usr/lib/a.so", "/usr/lib/a.so.1", "/usr/share/doc/a", "/lib"), State.KEPT),
    ],
)
def test_a_state_follows_from_the_files(kept: tuple[str, ...], state: State) -> None:
    found = remains(*kept)
    assert found.state is state
    assert found.kept == tuple(path for path in kept if path in FILES and path != "/lib")


def test_a_copy_elsewhere_is_the_package_s() -> None:
    """A library that was copied beside the program has the vulnerabilities that its package has."""
    library, other = "code" * 200, "edoc" * 200
    image = tree({
        **databases.dpkg("Package: a\nVersion: 1\n", a=["/usr/lib/a.so", "/usr/lib/b.so"]),
        "/usr/lib/a.so": library, "/usr/lib/b.so": other, "/opt/lib/a.so": library,
        "/opt/lib/c.so": "c" * 800,
    })  # fmt: skip
    found = inventory(image)
    kept = [node for node in image if node.path.startswith("/opt/")]
    (remains,) = states(found, {node.path for node in kept}, copies(found, image, kept))
    assert (remains.state, remains.kept) == (State.PARTIAL, ("/opt/lib/a.so",))


def test_files_are_those_the_image_has() -> None:
    assert remains().files == 3


def test_a_package_without_files_is_removed_and_one_without_a_list_unknown() -> None:
    assert remains(name="empty").state is State.REMOVED
    assert remains(name="other").state is State.UNKNOWN
