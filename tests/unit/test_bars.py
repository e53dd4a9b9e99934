"""What of progress is seen on a terminal, and that nothing is where there is none."""

from __future__ import annotations

import io
import threading

from rich.console import Console

from dock2uk import bars


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)


def lines(live: bars.Live) -> list[str]:
    """What stands there now, without the bars themselves."""
    console = terminal()
    console.print(live.get_renderable())
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    return [line.strip(" ━╸╺⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏") for line in text.splitlines()]


def test_each_part_has_a_bar_with_bytes_until_it_is_done() -> None:
    live = bars.live(terminal())
    shown = bars.Bars(live)
    shown.step("pulling")
    assert lines(live) == ["pulling"]
    shown.part("layer 1 of 2", 0, 4_000_000)
    shown.part("layer 2 of 2", 1_000_000, 2_000_000)
    first, second, third = lines(live)
    assert first == "pulling"
    assert second.startswith("layer 1 of 2")
    assert second.endswith("0.0/4.0 MB")
    assert "1.0/2.0 MB" in third
    shown.part("layer 2 of 2", 2_000_000, 2_000_000)
    assert len(lines(live)) == 2
    shown.step("reading")
    assert lines(live) == ["reading"]


def test_the_rate_is_shown_once_it_is_known() -> None:
    clock = iter(range(1000))
    live = bars.live(terminal())
    live.get_time = lambda: float(next(clock))
    for task in live.tasks:
        task._get_time = live.get_time
    shown = bars.Bars(live)
    shown.step("pulling")
    for done_bytes in range(0, 5_000_000, 1_000_000):
        shown.part("layer", done_bytes, 9_000_000)
    assert lines(live)[1].endswith("B/s")


def test_a_step_that_is_counted_shows_how_far_it_is() -> None:
    live = bars.live(terminal())
    shown = bars.Bars(live)
    shown.step("reading [1]")
    shown.advance(3_000_000, None)
    (line,) = lines(live)
    assert line.startswith("reading [1]")
    assert "3.0/? MB" in line


def test_parts_may_come_from_several_threads() -> None:
    live = bars.live(terminal())
    shown = bars.Bars(live)
    shown.step("pulling")

    def work(name: str) -> None:
        for done_bytes in range(200):
            shown.part(name, done_bytes, 200)

    threads = [threading.Thread(target=work, args=(f"layer {n}",)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(lines(live)) == 9
