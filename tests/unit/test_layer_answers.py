"""What is found out about a layer's files is found once, and not believed where it is damaged."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dock2uk import cache
from dock2uk.contents import Held
from dock2uk.layer_answers import Answers, Question
from dock2uk.model import Content

LAYER = "sha256:" + "a" * 64


@dataclass(frozen=True)
class InLayer(Held):
    place: tuple[str, int] = (LAYER, 512)


@dataclass
class Asked:
    """Counts how often a file was read; an answer is its size and a list, as JSON cannot tell."""

    source: Path
    times: list[bytes] = field(default_factory=list)

    def answers(self) -> Answers[tuple[int, ...]]:
        def find(content: Content) -> tuple[int, ...]:
            self.times.append(content.read())
            return (content.size,)

        question = Question("programs", find, list, _decoded, (self.source,))
        return Answers(question)


def _decoded(value: list[int]) -> tuple[int, ...]:
    if not all(isinstance(one, int) for one in value):
        raise TypeError(value)
    return tuple(value)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "source.py"
    source.write_text("1")
    return Asked(source)


def _answered(asked: Asked, content: Content) -> tuple[int, ...]:
    answers = asked.answers()
    answer = answers.of(content)
    assert answers.of(content) == answer
    answers.keep()
    return answer


def test_a_place_of_a_layer_is_looked_at_once(asked: Asked) -> None:
    assert [_answered(asked, InLayer(b"abc")) for _ in range(3)] == [(3,)] * 3
    assert asked.times == [b"abc"]
    assert _answered(asked, InLayer(b"other", (LAYER, 1024))) == (5,)
    assert len(asked.times) == 2


def test_other_code_finds_it_anew(asked: Asked) -> None:
    _answered(asked, InLayer(b"abc"))
    asked.source.write_text("2")
    _answered(asked, InLayer(b"abc"))
    assert len(asked.times) == 2


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"answers": 1}', None],
    ids=("empty", "cut", "a list", "no version", "an answer of another form"),
)
def test_what_is_damaged_is_found_anew(asked: Asked, damage: bytes | None) -> None:
    _answered(asked, InLayer(b"abc"))
    kept = cache.path("programs", LAYER)
    document = json.loads(kept.read_bytes())
    document["answers"]["512"] = ["x"]
    kept.write_bytes(json.dumps(document).encode() if damage is None else damage)
    assert _answered(asked, InLayer(b"abc")) == (3,)
    assert len(asked.times) == 2


def test_what_is_in_no_layer_is_asked_each_time(asked: Asked) -> None:
    answers = asked.answers()
    assert [answers.of(Held(b"ab")) for _ in range(2)] == [(2,), (2,)]
    assert len(asked.times) == 2


def test_of_code_without_its_sources_nothing_is_kept(asked: Asked) -> None:
    asked.source.unlink()
    assert [_answered(asked, InLayer(b"abc")) for _ in range(2)] == [(3,)] * 2
    assert len(asked.times) == 2


def test_without_a_cache_it_is_found_all_the_same(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    assert _answered(asked, InLayer(b"abc")) == (3,)
