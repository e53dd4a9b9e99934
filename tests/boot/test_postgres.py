"""PostgreSQL over the cluster that was made when the image was: a process for each client."""

from __future__ import annotations

import signal
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
    command = [str(program), "-h", "127.0.0.1", "-p", str(guest.port), "-U", "postgres", *words]
    return run(command, timeout_s=timeout_s, PGSSLMODE="disable")


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


def test_a_killed_backend_is_recovered_from(bundle: Bundles) -> None:
    """The postmaster ends every other backend and replays the log, as on Linux."""
    with database(bundle) as guest:
        query(guest, "CREATE TABLE kept AS SELECT 42 AS value")
        guest.signal(signal.SIGKILL, backend(guest))
        guest.said("(was terminated by signal 9)")
        guest.said(READY, count=2)
        assert query(guest, "SELECT value FROM kept") == "42"
        guest.signal(signal.SIGINT)
        guest.said("(database system is shut down)")
        assert guest.ends() == 0


def backend(guest: Server) -> int:
    """A background process: it stays without a client, and its death counts as a backend's."""
    return int(query(guest, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"))
