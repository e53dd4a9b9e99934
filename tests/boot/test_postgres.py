"""PostgreSQL over the cluster that was made when the image was: a process for each client."""

from __future__ import annotations

import os
import signal
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.boot.served import REPOSITORY
from tests.boot.servers import Bundles, Server, run, server

PORT = 5432
PROGRAM = "usr/lib/postgresql/15/bin/pgbench"
READY = "(database system is ready to accept connections)"
Benchmark = Callable[..., str]


@pytest.fixture(scope="session")
def pgbench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """pgbench(1), which Debian has in the server's package only: taken from the image."""
    directory = tmp_path_factory.mktemp("pgbench")
    layers = (REPOSITORY / "build" / "fixtures" / "postgres" / "blobs" / "sha256").iterdir()
    for layer in filter(tarfile.is_tarfile, layers):
        with tarfile.open(layer) as archive:
            for member in archive:
                if member.name.removeprefix("./") == PROGRAM:
                    archive.extract(member, directory, filter="data")
    return lambda guest, *words, timeout_s=100: client(
        directory / PROGRAM, guest, *words, "postgres", timeout_s=timeout_s
    )


@contextmanager
def database(bundle: Bundles) -> Iterator[Server]:
    """It listens before it is ready."""
    with server(bundle, "postgres", PORT) as guest:
        guest.said(READY)
        yield guest


def client(program: str | Path, guest: Server, *words: str, timeout_s: float = 60) -> str:
    return run([str(program), *whom(guest), *words], timeout_s=timeout_s, PGSSLMODE="disable")


def whom(guest: Server) -> tuple[str, ...]:
    return ("-h", "127.0.0.1", "-p", str(guest.port), "-U", "postgres")


def query(guest: Server, text: str) -> str:
    return client("psql", guest, "-X", "-A", "-t", "-c", text).strip()


def test_pgbench_sees_no_error(bundle: Bundles, pgbench: Benchmark) -> None:
    with database(bundle) as guest:
        pgbench(guest, "-i", "-s", "1", "-q")
        said = pgbench(guest, "-c", "4", "-t", "25")
        assert "number of transactions actually processed: 100/100" in said
        assert "number of failed transactions: 0 " in said
        clients = guest.said(r"\[(\d+)\] LOG:  connection authorized.*pgbench")
        assert len(set(clients)) == len(clients) >= 5
        assert query(guest, "SELECT count(*) FROM pgbench_history") == "100"


def test_procedures_run(bundle: Bundles) -> None:
    with database(bundle) as guest:
        raises = "DO $$ BEGIN RAISE EXCEPTION 'from %', 'within'; END $$"
        with pytest.raises(AssertionError, match="from within"):
            query(guest, raises)


def test_a_killed_client_s_backend_ends_its_client_only(bundle: Bundles) -> None:
    """The others reconnect once the log has been replayed."""
    with database(bundle) as guest:
        sleeping = ["psql", *whom(guest), "-X", "-c", "SELECT pg_sleep(60)"]
        environment = os.environ | {"PGSSLMODE": "disable"}
        waiting = subprocess.Popen(sleeping, env=environment, stderr=subprocess.PIPE, text=True)
        guest.said("LOG:  connection authorized.*(psql)")
        guest.signal(signal.SIGKILL, backend(guest, "query LIKE 'SELECT pg_sleep%'"))
        assert "server closed the connection unexpectedly" in waiting.communicate(timeout=30)[1]
        guest.said("(was terminated by signal 9)")
        guest.said(READY, count=2)
        assert query(guest, "SELECT 1") == "1"


def test_a_killed_backend_is_recovered_from(bundle: Bundles) -> None:
    """The postmaster ends every other backend and replays the log, as on Linux."""
    with database(bundle) as guest:
        query(guest, "CREATE TABLE kept AS SELECT 42 AS value")
        guest.signal(signal.SIGKILL, backend(guest, "backend_type = 'walwriter'"))
        guest.said("(was terminated by signal 9)")
        guest.said(READY, count=2)
        assert query(guest, "SELECT value FROM kept") == "42"
        guest.signal(signal.SIGINT)
        guest.said("(database system is shut down)")
        assert guest.ends() == 0


def backend(guest: Server, which: str) -> int:
    """The process of the one row of pg_stat_activity of which `which` is true."""
    return int(query(guest, f"SELECT pid FROM pg_stat_activity WHERE {which}"))
