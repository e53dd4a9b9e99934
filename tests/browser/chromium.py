"""A headless Chromium that tests drive by the DevTools protocol, version 1.3.

It is told to ask no network for anything, and every request it makes is noted all the same.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from websockets.sync.client import ClientConnection, connect

_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
    "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-port=0",
)  # fmt: skip
_START_S = 30.0
_ANSWER_S = 30.0


class Tab:
    """One page: what it was asked, and what happened meanwhile."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._count = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        self._connection.send(json.dumps(message))
        while True:
            got = json.loads(self._connection.recv(_ANSWER_S))
            if got.get("id") == self._count:
                assert "error" not in got, got["error"]
                return dict(got["result"])
            self.events.append(got)

    def open(self, path: Path) -> None:
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while not any(one["method"] == "Page.loadEventFired" for one in self.events):
            self.events.append(json.loads(self._connection.recv(_ANSWER_S)))

    def value(self, expression: str) -> Any:
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def window(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip

    def scheme(self, name: str, media: str = "screen") -> None:
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def press(self, key: str) -> None:
        code = {"Tab": 9, "Enter": 13}[key]
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
            )

    def screenshot(self, path: Path) -> bytes:
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return data

    def requests(self) -> list[str]:
        sent = (one for one in self.events if one["method"] == "Network.requestWillBeSent")
        return [one["params"]["request"]["url"] for one in sent]

    def complaints(self) -> list[Any]:
        """What went to the console: errors, refused content, exceptions."""
        names = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [one["params"] for one in self.events if one["method"] in names]


@contextmanager
def chromium(profile: Path) -> Iterator[Tab]:
    with subprocess.Popen(
        ["chromium", *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            port = _port(profile / "DevToolsActivePort")
            direct = build_opener(
                ProxyHandler({})
            )  # a proxy of the environment has no business here
            with direct.open(f"http://127.0.0.1:{port}/json/list", timeout=_ANSWER_S) as answer:
                tabs = json.load(answer)
            [address] = [one["webSocketDebuggerUrl"] for one in tabs if one["type"] == "page"]
            with connect(address, max_size=None, proxy=None) as connection:
                yield Tab(connection)
        finally:
            process.terminate()


def _port(path: Path) -> int:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s:
        if path.exists() and (lines := path.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.05)
    raise TimeoutError(f"{path}: Chromium did not start")
