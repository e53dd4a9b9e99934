"""What recorded runs showed is counted, and nothing where none did."""

from __future__ import annotations

from dataclasses import replace

from dock2uk.entrypoint.record.recording import Ending, Final, Process, Recording
from dock2uk.entrypoint.seen import seen_run
from dock2uk.model import Confidence, ImageConfig, Observed, SeenRun
from dock2uk.report.metrics import Metric
from dock2uk.report.run_metrics import run_metrics
from tests import values

FINAL = Final("/server", ("server",), (), "/", 0, 0, (), 0o022, (), False, ())
MASTER = Process(1, 0, "/server", ("server",), ("tcp 0.0.0.0:80",))
WORKERS = tuple(replace(MASTER, pid=pid, parent=1) for pid in (2, 3))
BOUND = (("tcp 0.0.0.0:443", 0), ("tcp 0.0.0.0:8080", 33))
IMAGE = values.image(config=ImageConfig(volumes=("/data/", "/cache")))


def recording(*written: str, processes: tuple[Process, ...] = (MASTER,)) -> Recording:
    return Recording(
        FINAL, 1, Ending.LISTENS, None, (), processes, (), "", written, 2, 1, binders=BOUND
    )


def metrics(seen: SeenRun | None) -> dict[str, Metric]:
    found = run_metrics(IMAGE, values.entrypoint(seen=seen))
    of_runs = [one for one in found if one.id != "effective_capabilities"]
    assert all(one.after is None for one in of_runs)  # no run of the guest showed any
    return {one.id: one for one in found}


def test_what_is_written_outside_volumes_keeps_the_root_from_being_read_only() -> None:
    one = recording("/data/log", "/database", "/run/pid", "/tmp/a1b2")
    found = metrics(seen_run(one, recording("/database", "/run/pid", "/tmp/c3d4")))
    assert found["root_writes"].evidence_before == ("/database", "/run/pid", "/tmp")
    assert found["root_writes"].before == 3
    assert found["written_paths"].before == 5
    assert found["written_paths"].evidence_before[:2] == ("/data (volume)", "/cache (volume)")
    only_volumes = seen_run(recording("/cache/x"), recording("/cache/x"))
    assert metrics(only_volumes)["root_writes"].before == 0


def test_processes_are_those_of_the_run_with_one_processor() -> None:
    many = recording(processes=(MASTER, *WORKERS))
    found = metrics(seen_run(many, recording(processes=(MASTER, WORKERS[0]))))
    assert found["processes_at_rest"].before == 2
    assert found["processes_at_rest"].evidence_before == ("/server", "/server")
    assert (found["forks_after_ready"].before, found["execs_after_ready"].before) == (2, 1)
    ended = replace(many, ending=Ending.ENDED)
    assert metrics(seen_run(ended, ended))["processes_at_rest"].before is None


def test_a_traced_run_tells_of_the_guest() -> None:
    seen = seen_run(recording(), recording())
    observed = Observed("a run", frozenset(), frozenset(), forks=4, execs=0)
    found = {one.id: one for one in run_metrics(IMAGE, values.entrypoint(seen=seen), observed)}
    forks, execs = found["forks_after_ready"], found["execs_after_ready"]
    assert [(one.before, one.after) for one in (forks, execs)] == [(2, 4), (1, 0)]
    assert found["processes_at_rest"].after is None


def test_who_binds_as_root_is_named() -> None:
    found = metrics(seen_run(recording(), recording()))["bound_as_root"]
    assert (found.before, found.evidence_before) == (1, ("tcp 0.0.0.0:443 (user 0)",))


def test_what_the_program_holds_is_named_with_what_keeps_it_from_more() -> None:
    restrained = replace(FINAL, has_no_new_privileges=True)
    seen = seen_run(replace(recording(), final=restrained), recording())
    program = values.entrypoint(
        seen=seen, capabilities=("CAP_CHOWN",), confidence=Confidence.RECORDED, umask=0o077
    )
    found = {one.id: one for one in run_metrics(IMAGE, program)}["effective_capabilities"]
    assert (found.before, found.after) == (1, 1)
    assert found.evidence_before == ("CAP_CHOWN", "umask 0077", "no_new_privs set")
    assert found.evidence_after[-1] == "no_new_privs not set"


def test_nothing_is_known_where_no_run_was_recorded() -> None:
    found = metrics(None)
    assert {one.before for one in found.values()} == {None, 14}  # docker's, of user 0
    assert found["written_paths"].evidence_before == ("/data (volume)", "/cache (volume)")
    unreadable = replace(recording(), written=None)
    assert metrics(seen_run(unreadable, recording()))["root_writes"].before is None
