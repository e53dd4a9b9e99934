"""Servers of several processes: each serves, replaces a worker that dies, and ends as it should."""

from __future__ import annotations

import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.boot.servers import (
    Bundles,
    Server,
    assert_wrk_is_served,
    get,
    header,
    page,
    run,
    server,
    wait_for,
)

FASTCGI_PORT = 9000
REDIS_PORT = 6379
NGINX_WORKER = r"start worker process (\d+)"
GUNICORN_WORKER = r"Booting worker with pid: (\d+)"
GUNICORN_PAGE = b"<!DOCTYPE html>\n<title>gunicorn</title>\n<p>Served by a worker.</p>\n"


# ------------------------------------------------------------------ nginx, as packaged


def test_nginx_serves_from_two_workers(bundle: Bundles) -> None:
    with server(bundle, "nginx-workers") as guest:
        workers = guest.said(NGINX_WORKER, count=2)
        assert get(guest).body == page("nginx-workers")
        assert header(get(guest), "X-Worker") in workers
        assert_wrk_is_served(guest.port, connections=64, seconds=3)


def test_nginx_replaces_a_killed_worker(bundle: Bundles) -> None:
    with server(bundle, "nginx-workers") as guest:
        guest.said(NGINX_WORKER, count=2)
        for count in (3, 4, 5):
            victim = header(get(guest), "X-Worker")
            guest.signal(signal.SIGKILL, int(victim))
            assert victim not in guest.said(NGINX_WORKER, count)[-1:]
            guest.said(rf"worker process ({victim}) exited on signal 9")
        assert get(guest).body == page("nginx-workers")


def test_nginx_reloads_at_sighup(bundle: Bundles) -> None:
    with server(bundle, "nginx-workers") as guest:
        old = guest.said(NGINX_WORKER, count=2)
        guest.signal(signal.SIGHUP)
        new = guest.said(NGINX_WORKER, count=4)[2:]
        for worker in old:
            guest.said(rf"worker process ({worker}) exited with code 0")
        assert header(get(guest), "X-Worker") in new


def test_nginx_drains_at_sigquit(bundle: Bundles) -> None:
    """A request that has begun is answered; then all processes end."""
    with server(bundle, "nginx-workers") as guest:
        address = ("127.0.0.1", guest.port)
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            time.sleep(1)  # nothing tells that the worker has read it
            guest.signal(signal.SIGQUIT)
            guest.said("(gracefully shutting down)", count=2)
            connection.sendall(b"\r\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 OK"), answer
        assert answer.endswith(page("nginx-workers"))
        assert guest.ends() == 0


def test_workers_that_came_and_went_leave_nothing(bundle: Bundles) -> None:
    with server(bundle, "nginx-workers") as guest:
        guest.said(NGINX_WORKER, count=2)
        get(guest)
        before = counts_at_end(guest)
    with server(bundle, "nginx-workers") as guest:
        guest.said(NGINX_WORKER, count=2)
        for reloads in range(1, 6):
            guest.signal(signal.SIGHUP)
            guest.said(NGINX_WORKER, count=2 + 2 * reloads)
            get(guest)
        guest.said("(exited with code 0)", count=10)
        assert counts_at_end(guest) == before


def counts_at_end(guest: Server) -> str:
    guest.signal(signal.SIGTERM)
    events = list(guest.session.events.until(time.monotonic() + 60))
    (counts,) = [event.value for event in events if event.name == "counts"]
    assert [event.value for event in events if event.name == "exit"] == ["0"]
    return counts


# ------------------------------------------------------------------ gunicorn


def test_gunicorn_serves_from_two_workers(bundle: Bundles) -> None:
    with server(bundle, "gunicorn") as guest, ThreadPoolExecutor(4) as clients:
        workers = guest.said(GUNICORN_WORKER, count=2)
        answers = list(clients.map(lambda _: get(guest), range(40)))
        assert {answer.body for answer in answers} == {GUNICORN_PAGE}
        assert {header(answer, "X-Worker") for answer in answers} <= set(workers)


def test_gunicorn_kills_a_worker_that_hangs_and_starts_another(bundle: Bundles) -> None:
    with server(bundle, "gunicorn") as guest:
        guest.said(GUNICORN_WORKER, count=2)
        with socket.create_connection(("127.0.0.1", guest.port)) as connection:
            connection.sendall(b"GET /hang HTTP/1.0\r\n\r\n")
            (hung,) = guest.said(r"WORKER TIMEOUT \(pid:(\d+)\)")
            new = guest.said(GUNICORN_WORKER, count=3)[-1]
        assert new != hung
        assert get(guest).body == GUNICORN_PAGE


def test_gunicorn_replaces_a_killed_worker_and_ends_when_asked(bundle: Bundles) -> None:
    with server(bundle, "gunicorn") as guest:
        workers = guest.said(GUNICORN_WORKER, count=2)
        guest.signal(signal.SIGKILL, int(workers[0]))
        guest.said(GUNICORN_WORKER, count=3)
        assert get(guest).body == GUNICORN_PAGE
        guest.signal(signal.SIGTERM)
        guest.said(r"(Shutting down: Master)")
        assert guest.ends() == 0


# ------------------------------------------------------------------ php-fpm


def test_php_fpm_answers_fastcgi(bundle: Bundles) -> None:
    with server(bundle, "php-fpm", FASTCGI_PORT) as guest:
        for _ in range(5):
            assert fastcgi(guest.port).endswith("\n\nserved by php 8, with ctype\n")


def test_php_fpm_replaces_a_killed_worker(bundle: Bundles) -> None:
    with server(bundle, "php-fpm", FASTCGI_PORT) as guest:
        victims = set()
        for _ in range(3):
            worker = re.search(r"X-Worker: (\d+)", fastcgi(guest.port))
            assert worker is not None
            victims.add(worker[1])
            guest.signal(signal.SIGKILL, int(worker[1]))
            guest.said(rf"child ({worker[1]}) exited on signal 9")
        assert len(victims) == 3
        guest.signal(signal.SIGQUIT)
        assert guest.ends() == 0


def fastcgi(port: int) -> str:
    script = {"SCRIPT_FILENAME": "/srv/www/index.php", "SCRIPT_NAME": "/index.php"}
    command = ["cgi-fcgi", "-bind", "-connect", f"127.0.0.1:{port}"]
    return run(command, timeout_s=60, REQUEST_METHOD="GET", **script).replace("\r", "")


# ------------------------------------------------------------------ redis


@pytest.mark.parametrize(("command", "prefix"), [
    ("BGSAVE", "rdb_bgsave"), ("BGREWRITEAOF", "aof_rewrite"),
])  # fmt: skip
def test_redis_saves_in_the_background_while_it_is_written_to(
    bundle: Bundles, command: str, prefix: str
) -> None:
    with server(bundle, "redis", REDIS_PORT) as guest, ThreadPoolExecutor(1) as clients:
        fill(guest.port, 2000)
        writing = clients.submit(fill, guest.port, 4000)
        assert "tarted" in redis(guest.port, command)
        wait_for(lambda: has_ended(guest.port, prefix), f"the end of {command}")
        writing.result()
        size = redis(guest.port, "DBSIZE")
        assert redis(guest.port, "DEBUG", "RELOAD") == "OK"
        assert redis(guest.port, "DBSIZE") == size != "0"


def fill(port: int, count: int) -> None:
    words = ["-t", "set", "-c", "8", "-n", str(count), "-r", "100000", "-d", "100", "-q"]
    run(["redis-benchmark", "-p", str(port), *words], timeout_s=100)


def has_ended(port: int, prefix: str) -> list[str] | None:
    said = redis(port, "INFO", "persistence").replace("\r", "")
    if f"{prefix}_in_progress:0" not in said:
        return None
    statuses = re.findall(r"(?:rdb_last_bgsave|aof_last_bgrewrite)_status:(\w+)", said)
    assert statuses == ["ok", "ok"], said
    return statuses


def redis(port: int, *words: str) -> str:
    return run(["redis-cli", "-p", str(port), *words], timeout_s=60).strip()
