"""Servers that do not fork: each serves, and does what its language is used for."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from dock2uk import tools
from dock2uk.verify.run import KERNEL_FAILURE
from tests.boot import served
from tests.boot.servers import Bundles, Server, assert_wrk_is_served, get, page, run, server

REDIS_PORT = 6379
PAGES = {
    "python-http": page("python-http"),
    "node-http": b"<!DOCTYPE html>\n<title>Node.js</title>\n<p>Served by node:http.</p>\n",
    "go-http": b"<!DOCTYPE html>\n<title>Go</title>\n<p>Served between preemptions.</p>\n",
    "go-cgo": b"<!DOCTYPE html>\n<title>cgo</title>\n<p>Served by way of C.</p>\n",
    "java-http": b"<!DOCTYPE html>\n<title>Java</title>\n"
    b"<p>Served by com.sun.net.httpserver.</p>\n",
    "musl-c": b"<!DOCTYPE html>\n<title>static</title>\n<p>Served from memory.</p>\n",
}


@pytest.mark.parametrize("name", PAGES)
def test_serves_its_page(bundle: Bundles, name: str) -> None:
    with server(bundle, name) as guest:
        answer = get(guest)
        assert (answer.status, answer.body) == (200, PAGES[name])


@pytest.mark.parametrize("name", ["go-http", "go-cgo", "musl-c"])
def test_serves_64_connections_at_once(bundle: Bundles, name: str) -> None:
    with server(bundle, name) as guest:
        assert_wrk_is_served(guest.port, connections=64, seconds=3)


def test_a_thread_for_each_request(bundle: Bundles) -> None:
    with server(bundle, "python-http") as guest, ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: get(guest).body, range(64)))
        assert answers == [PAGES["python-http"]] * 64


def test_goroutines_without_calls_do_not_stop_the_others(bundle: Bundles) -> None:
    with server(bundle, "go-http") as guest:
        assert get(guest, "/busy/4").body == b"4\n"
        for _ in range(3):
            assert get(guest).body == PAGES["go-http"]


def test_worker_threads_compute_while_the_first_serves(bundle: Bundles) -> None:
    with server(bundle, "node-http") as guest, ThreadPoolExecutor(3) as clients:
        sums = clients.map(lambda count: get(guest, f"/sum/{count}").body, (10, 1000, 5_000_000))
        assert get(guest).body == PAGES["node-http"]
        assert list(sums) == [b"45", b"499500", b"12499997500000"]


def test_garbage_is_collected(bundle: Bundles) -> None:
    """Twelve times the heap is allocated: without collections that run would not end well."""
    with server(bundle, "java-http") as guest, ThreadPoolExecutor(4) as clients:
        counts = [int(body) for body in clients.map(lambda _: garbage(guest), range(40))]
        assert max(counts) > min(counts) > 0
        assert get(guest).body == PAGES["java-http"]


def garbage(guest: Server, megabytes: int = 20) -> bytes:
    return get(guest, f"/garbage/{megabytes}").body


def test_redis_benchmark_sees_no_error(bundle: Bundles) -> None:
    with server(bundle, "redis", REDIS_PORT) as guest:
        command = ["redis-benchmark", "-p", str(guest.port), "-c", "8", "-n", "500", "-q"]
        shown = run(command, timeout_s=100)
        assert "rror" not in shown
        assert "MSET (10 keys): " in shown  # the last of the default set


def test_redis_saves_when_it_is_told_to_end(bundle: Bundles) -> None:
    with server(bundle, "redis", REDIS_PORT) as guest:
        assert redis(guest.port, "SET", "key", "value") == "OK"
        assert redis(guest.port, "SAVE") == "OK"
        guest.signal(signal.SIGTERM)
        guest.said("(DB saved on disk)", count=2)
        assert guest.ends() == 0


def redis(port: int, *words: str) -> str:
    return run(["redis-cli", "-p", str(port), *words], timeout_s=60).strip()


OTHERS = (
    *("nginx", "nginx-workers", "gunicorn", "php-fpm", "redis", "postgres"),
    *("static-pie-c", "dynamic-c", "static-go"),
)


@pytest.mark.parametrize("name", [*PAGES, *OTHERS])
def test_with_16_mb_it_serves_or_is_refused(bundle: Bundles, name: str) -> None:
    """Nothing hangs and the kernel does not die: the program runs, or an end is told."""
    with served.run(bundle(name), "-m", "16") as guest:
        assert tools.wait(guest.process, 5) not in (0, KERNEL_FAILURE)
