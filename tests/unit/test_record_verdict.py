"""The rules by which a recorded run ends, on scenes made up for them."""

from __future__ import annotations

from dataclasses import replace

from dock2uk.entrypoint.record.recording import Ending
from dock2uk.entrypoint.record.verdict import Listener, Scene, Verdict, decide

QUIET = Scene(
    first_is_wrapper=False, first_is_shell=False, exit_status=None, listeners=(),
    has_company=False, only_program=None, quiet_s=100, idle_s=100, listening_s=10,
)  # fmt: skip
SERVER = Listener(1, 1, is_on_network=True)
CHILD = Listener(7, 7, is_on_network=True)
SHELL = replace(QUIET, first_is_wrapper=True, first_is_shell=True)
INIT = replace(QUIET, first_is_wrapper=True)


def test_the_end_of_process_1_is_the_end() -> None:
    assert decide(replace(QUIET, exit_status=0, listeners=(CHILD,))) == Verdict(Ending.ENDED, 1)


def test_a_server_may_start_its_workers_but_not_for_ever() -> None:
    scene = replace(QUIET, listeners=(SERVER,))
    assert decide(replace(scene, quiet_s=0.3, idle_s=0.3)) == Verdict(Ending.LISTENS, 1)
    assert decide(replace(scene, quiet_s=0.5, idle_s=0.05, listening_s=0.3)) is None
    assert decide(replace(scene, idle_s=0.05, listening_s=3)) == Verdict(Ending.LISTENS, 1)


def test_a_worker_that_listens_is_its_program() -> None:
    worker = Listener(4, 1, is_on_network=True)
    assert decide(replace(QUIET, listeners=(worker,))) == Verdict(Ending.LISTENS, 1)


def test_behind_a_shell_the_server_is_known_once_it_is_quiet() -> None:
    scene = replace(SHELL, listeners=(CHILD,))
    assert decide(replace(scene, quiet_s=0.3)) is None
    assert decide(replace(scene, quiet_s=0.6)) == Verdict(Ending.LISTENS, 7)


def test_a_script_that_sleeps_beside_its_server_goes_on() -> None:
    scene = replace(SHELL, listeners=(CHILD,), has_company=True)
    assert decide(replace(scene, quiet_s=1.1)) is None
    assert decide(replace(scene, quiet_s=3.1)) == Verdict(Ending.LISTENS, 7)
    assert decide(replace(scene, quiet_s=0, listening_s=61)) == Verdict(Ending.LISTENS, 7)


def test_of_several_the_one_on_the_network_that_was_first() -> None:
    local, late = Listener(3, 3, is_on_network=False), Listener(9, 9, is_on_network=True)
    assert decide(replace(SHELL, listeners=(late, local, CHILD))) == Verdict(Ending.LISTENS, 7)


def test_a_program_is_settled_when_it_rests_or_works_for_long() -> None:
    assert decide(replace(QUIET, quiet_s=2.1, idle_s=2.1)) == Verdict(Ending.SETTLED, 1)
    assert decide(replace(QUIET, quiet_s=10, idle_s=0)) is None
    assert decide(replace(QUIET, quiet_s=21, idle_s=0)) == Verdict(Ending.SETTLED, 1)


def test_a_program_beside_another_s_listener_is_waited_for_longer() -> None:
    scene = replace(QUIET, listeners=(CHILD,))
    assert decide(replace(scene, idle_s=2.5)) is None
    assert decide(replace(scene, idle_s=3.5)) == Verdict(Ending.LISTENS, 1)


def test_a_shell_that_waits_is_not_settled_and_an_init_is() -> None:
    assert decide(replace(SHELL, only_program=5)) is None
    assert decide(replace(INIT, only_program=5)) == Verdict(Ending.SETTLED, 5)
    assert decide(INIT) is None
