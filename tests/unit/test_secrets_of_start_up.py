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
from dock2uk.entrypoint import Options, Resolve, recorded, resolve
from dock2uk.errors import StartupError, UndecidedError
from dock2uk.match import load_runtimes, offer
from dock2uk.model import Artifact, Entrypoint, Image, ImageConfig
from dock2uk.pipeline import Request
from dock2uk.report import chain
from dock2uk.report.formats import FORMATS
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
