"""Secrets that a start-up script has or makes are in no text, and are counted where they stay."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console
from test_report import made
from tiny_elf import tiny_elf
from trees import Entry, image, program

from dock2uk import audit, bundle, entrypoint_document
from dock2uk.contents import Held
from dock2uk.entrypoint import Options, Resolve, recorded, resolve
from dock2uk.errors import StartupError, UndecidedError
from dock2uk.match import load_runtimes, offer
from dock2uk.model import (
    Artifact,
    Change,
    Entrypoint,
    Image,
    ImageConfig,
    Node,
    NodeType,
    Package,
    Rootfs,
)
from dock2uk.pipeline import Request
from dock2uk.report import chain, secret_findings
from dock2uk.report.formats import FORMATS
from dock2uk.secrets import of_variable
from tests import values
from tests.images import docker_archive, file, layer

VALUE = "S3cr3tHorse77"
MASK = "(a secret)"
# Cut after a hundred characters, in the middle of the secret.
LONG = "mysql -h database.of.the.application.with.a.long.name -u application-user -e 'select 1' -p"
SCRIPT = f"""#!/bin/sh
export DB_PASSWORD={VALUE}
ADMIN_PASS="{VALUE}"
curl -s -H "Authorization: Bearer {VALUE}" https://x/ -o /tmp/a
mysql -uroot -p{VALUE} -e 'select 1'
{LONG}{VALUE}
sed -i "s/password=.*/password={VALUE}/" /etc/app.conf
echo "secret_key: {VALUE}" > /etc/app2.conf
other --password={VALUE} > /etc/app3.conf <<EOF
x
EOF
if [ "$TOKEN" = "{VALUE}" ]; then echo y; fi
exec /usr/bin/server --requirepass {VALUE} postgres://u:{VALUE}@h/x
"""
UNDECIDED = f"#!/bin/sh\nif prepare; then exec server --password {VALUE}; fi\nexec other\n"


def the_image(script: str, *cmd: str) -> Image:
    entries: dict[str, Entry] = {
        "/bin/sh": program("", tiny_elf()),
        "/bin/other": program("", tiny_elf()),
        "/usr/bin/server": program("", tiny_elf()),
        "/start": program("", script.encode()),
    }
    env = ("PATH=/bin:/usr/bin",)
    return image(entries, ImageConfig(entrypoint=("/start",), cmd=cmd, env=env))


def read(script: str, *cmd: str, is_baked: bool = False) -> Entrypoint:
    options = Options(resolve=Resolve.STATIC, is_baked=is_baked)
    return resolve(the_image(script, *cmd), (), options)


@pytest.mark.parametrize("is_baked", [False, True])
def test_no_line_of_evidence_has_one(is_baked: bool) -> None:
    script = SCRIPT if is_baked else SCRIPT.replace("export DB_PASSWORD", "DB_PASSWORD")
    found = read(script, is_baked=is_baked)
    assert VALUE[:6] not in "\n".join(found.evidence)
    assert len([line for line in found.evidence if MASK in line]) >= 12
    document = entrypoint_document.document(found)
    assert VALUE[:6] not in json.dumps(document)
    out = io.StringIO()
    Console(file=out, width=400).print(chain("app", document))
    assert VALUE[:6] not in out.getvalue()


# OpenVEX is about vulnerabilities alone, and there is no data here.
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "openvex"])
def test_no_format_has_one(name: str) -> None:
    assert VALUE[:6] not in FORMATS[name](made(None, read(SCRIPT, is_baked=True)))


def test_a_command_line_that_another_took_the_place_of_is_not_told() -> None:
    found = read("#!/bin/sh\nexec server\n", "--requirepass", VALUE)
    assert VALUE not in "\n".join(found.evidence)


def test_what_stands_in_the_way_is_told_without() -> None:
    with pytest.raises(UndecidedError, match="exec server --password") as caught:
        read(UNDECIDED)
    assert VALUE not in f"{caught.value} {caught.value.reasons}"


def test_nor_what_a_start_up_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise StartupError(f"it printed: login failed, password={VALUE}")

    monkeypatch.setattr(recorded, "record", fails)
    with pytest.raises(StartupError, match="login failed") as caught:
        resolve(the_image(UNDECIDED), (), Options(resolve=Resolve.RECORD))
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize("script", [UNDECIDED, SCRIPT])
def test_no_row_of_an_audit_has_one(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    entries = [
        file("bin/sh", tiny_elf(), 0o755), file("bin/other", tiny_elf(), 0o755),
        file("usr/bin/server", tiny_elf(), 0o755), file("start", script.encode(), 0o755),
    ]  # fmt: skip
    path = docker_archive(tmp_path / "image.tar", (layer(*entries),), Entrypoint=["/start"])
    options = Options(resolve=Resolve.STATIC)
    row = audit.assess(Request(f"docker-archive:{path}", entrypoint=options))
    assert row["because"] or row["risks"]
    assert VALUE not in json.dumps(row)


def test_the_manifest_has_none(tmp_path: Path) -> None:
    kernel = tmp_path / "unikernel.elf"
    kernel.write_bytes(b"not really an ELF")
    artifact = Artifact(kernel, "0" * 64, 1, 1, 1, 1, 1, offer(load_runtimes()[0]))
    told = values.entrypoint(argv=("app", f"--password={VALUE}", f"postgres://u:{VALUE}@h/x"))
    text = bundle.write(values.image(), told, artifact, "qemu", ()).read_text()
    jsonschema.validate(json.loads(text), json.loads(Path("docs/bundle.schema.json").read_text()))
    assert VALUE not in text
    assert json.loads(text)["entrypoint"]["argv"][1] == f"--password={MASK}"


def kept(told: Entrypoint, *secrets: Any, packages: tuple[Package, ...] = ()) -> list[str]:
    """The places of those that are in the unikernel, of an image with these secrets."""
    nodes = tuple(change.node for change in told.changes if change.node is not None)
    rootfs = Rootfs(nodes, (), ())
    found = secret_findings.found(secrets, values.image(), packages, rootfs, told)
    metric, _ = secret_findings.secret_metrics(found, values.image())
    assert (metric.before, metric.after) == (len(found), sum(one.is_kept for one in found))
    assert VALUE not in repr(found)
    return [one.secret.place for one in found if one.is_kept]


def test_what_start_up_gives_the_program_is_counted() -> None:
    told = values.entrypoint(
        argv=("app", "--requirepass", VALUE), env=("PATH=/bin", "GH=x", f"DB_PASSWORD={VALUE}1")
    )
    assert kept(told) == [
        "ENV DB_PASSWORD, which start-up made", "command line, which start-up made",
    ]  # fmt: skip


def test_what_the_image_gives_it_is_counted_once() -> None:
    entry = f"DB_PASSWORD={VALUE}"
    given = of_variable(entry)
    told = values.entrypoint(argv=("app", "--requirepass", VALUE), env=(entry,))
    assert kept(told, given) == ["ENV DB_PASSWORD"]
    # The image's is another, which stays behind.
    other = of_variable(f"DB_PASSWORD={VALUE}2")
    assert kept(told, other)[0] == "ENV DB_PASSWORD, which start-up made"


def test_a_file_that_start_up_made_is_looked_through() -> None:
    text = f"password = {VALUE}\n".encode()
    node = Node("/etc/app.conf", NodeType.FILE, 0o600, 0, 0, 0, content=Held(text))
    told = values.entrypoint(changes=(Change("/etc/app.conf", node), Change("/gone", None)))
    brought = (Package("x", "1", "x", ("/etc/app.conf",), ecosystem="deb"),)
    for packages in ((), brought):  # changed, it is no longer what the package brought
        assert kept(told, packages=packages) == ["/etc/app.conf, line 1, which start-up made"]


def test_what_may_be_a_secret_is_said_and_not_counted() -> None:
    random = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    public = (f"GIT_COMMIT={random}", f"APP_SHA256={random}", f"GPG_KEY={random}", "X=" + "a" * 40)
    told = values.entrypoint(env=(f"FOO={random}", *public))
    report = made(None, told)
    assert [note for note in report["notes"] if "random" in note] == [
        "ENV FOO is as random as a key: whether it is a secret, nothing says"
    ]
    assert report["secrets"] == []
    assert report["entrypoint"]["env"] == [f"FOO={MASK}", *public]
