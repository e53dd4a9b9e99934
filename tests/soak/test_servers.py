"""Real servers under load for as long as it takes to see what a short test does not."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.boot.servers import Bundles, assert_wrk_is_served, get, run, server
from tests.boot.test_forking_servers import REDIS_PORT
from tests.boot.test_postgres import Benchmark, database, pgbench, query

__all__ = ["pgbench"]

Record = Callable[[str, object], None]
pytestmark = pytest.mark.soak

GARBAGE_S = 60
LOAD_S = 30


def test_pgbench_for_30_s(bundle: Bundles, pgbench: Benchmark, record: Record) -> None:
    with database(bundle) as guest:
        pgbench(guest, "-i", "-s", "1", "-q")
        said = pgbench(guest, "-c", "4", "-T", "30")
        assert "number of failed transactions: 0 " in said, said
        (transactions,) = re.findall(r"actually processed: (\d+)", said)
        assert query(guest, "SELECT count(*) FROM pgbench_history") == transactions
        record("postgres.pgbench.transactions", int(transactions))


def test_redis_benchmark_s_default_set(bundle: Bundles, record: Record) -> None:
    with server(bundle, "redis", REDIS_PORT) as guest:
        # Not the usual 50 clients: QEMU's side of the port may reset some that come at once.
        said = run(["redis-benchmark", "-p", str(guest.port), "-c", "8", "--csv"], timeout_s=1100)
        assert "rror" not in said, said
        rates = dict(re.findall(r'^"([^"]+)","([\d.]+)"', said, re.MULTILINE))
        assert len(rates) >= 18, said
        record("redis.benchmark.requests_per_s", {name: float(rates[name]) for name in rates})


def test_garbage_is_collected_for_a_minute(bundle: Bundles, record: Record) -> None:
    with server(bundle, "java-http") as guest, ThreadPoolExecutor(4) as clients:
        deadline_s = time.monotonic() + GARBAGE_S
        collections = 0
        while time.monotonic() < deadline_s:
            paths = ["/garbage/20"] * 8
            collections = max(int(get_body) for get_body in clients.map(
                lambda path: get(guest, path).body, paths
            ))  # fmt: skip
        assert collections > GARBAGE_S
        record("java.collections", collections)


@pytest.mark.parametrize("name", ["go-http", "go-cgo", "nginx-workers", "musl-c"])
def test_wrk_for_30_s(bundle: Bundles, name: str, record: Record) -> None:
    with server(bundle, name) as guest:
        served = assert_wrk_is_served(guest.port, connections=64, seconds=LOAD_S)
        record(f"{name}.wrk.requests", served)
