"""Dockerfiles: what is an instruction and what only looks like one, and what is found in them."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
from dockerfile_parse import DockerfileParser

from dock2uk.errors import SourceError
from dock2uk.ingest.dockerfile import reading
from dock2uk.ingest.dockerfile.reading import Arguments
from dock2uk.ingest.platform import DEFAULT
from dock2uk.model import Dockerfile

NOTHING: Mapping[str, str] = {}


def parse(text: str, values: Mapping[str, str] = NOTHING, target: str | None = None) -> Dockerfile:
    return reading.parse(text, "Dockerfile", Arguments(values, target, DEFAULT))


def listed(text: str, values: Mapping[str, str] = NOTHING) -> list[tuple[int, str, str]]:
    return [(one.line, one.name, one.value) for one in parse(text, values).instructions]


HEREDOCS = """\
FROM scratch
RUN <<EOF
ENTRYPOINT not-an-instruction
CMD fake
EOF
COPY <<one <<-"two" /etc/
USER nobody
\tone
one
\tEXPOSE 1
\ttwo
RUN 3<<'E O F' cat; echo "<<no" a<<no << no <<< no
VOLUME /inside
E O F
ONBUILD RUN <<-END
\tUSER inside
\t\tEND
RUN ["cat", "<<EOF"]
ENTRYPOINT ["/real"]
"""


def test_bodies_of_heredocs_are_no_instructions() -> None:
    read = parse(HEREDOCS)
    assert [(one.line, one.name) for one in read.instructions] == [
        (1, "FROM"), (2, "RUN"), (6, "COPY"), (12, "RUN"), (15, "ONBUILD"), (18, "RUN"),
        (19, "ENTRYPOINT"),
    ]  # fmt: skip
    bodies = {one.line: one.heredocs for one in read.instructions if one.heredocs}
    assert bodies == {
        2: ("ENTRYPOINT not-an-instruction\nCMD fake",),
        6: ("USER nobody\n\tone", "\tEXPOSE 1"),
        12: ("VOLUME /inside",),
        15: ("\tUSER inside",),
    }
    assert [one.message for one in read.findings if one.rule == "entrypoint"] == [
        'ENTRYPOINT ["/real"]'
    ]


def test_dockerfile_parse_alone_takes_them_for_some() -> None:
    """The reason for the guard; when this fails, it is no longer needed."""
    parser = DockerfileParser(fileobj=io.BytesIO(HEREDOCS.encode()))
    found = {(part["startline"] + 1, part["instruction"]) for part in parser.structure}
    assert {(3, "ENTRYPOINT"), (4, "CMD"), (7, "USER")} <= found


def test_a_heredoc_without_end_is_an_error_with_its_line() -> None:
    with pytest.raises(SourceError, match="Dockerfile:2: the heredoc EOF is not ended"):
        parse("FROM scratch\nRUN <<EOF\nx\n EOF\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("RUN a \\\n  b \\\n# a comment\n    # another\n\n  c\nUSER u", "a   b   c"),
        ("RUN a \\  \n b\nUSER u", "a  b"),
        ("RUN a \\\\\nUSER u", "a \\\\"),
        ("run a \\\n<<b \\\nc\nnot\nb\nUSER u", "a <<b c"),
    ],
)
def test_continued_lines_are_one_instruction(text: str, value: str) -> None:
    found = listed("FROM scratch\n" + text)
    assert (found[1][1], found[1][2]) == ("RUN", value)
    assert [name for _, name, _ in found] == ["FROM", "RUN", "USER"]


def test_the_escape_directive_changes_what_continues() -> None:
    text = "# escape=`\nFROM scratch\nRUN a `\n  b\nCOPY c:\\ d:\\\nUSER u\n"
    assert listed(text)[1:] == [(3, "RUN", "a   b"), (5, "COPY", "c:\\ d:\\"), (6, "USER", "u")]
    late = "FROM scratch\n# escape=`\nRUN a `\nUSER u\n"
    assert [name for _, name, _ in listed(late)] == ["FROM", "RUN", "USER"]
    with pytest.raises(SourceError, match="escape character"):
        parse("#escape=x\nFROM scratch\n")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$A", "a"), ("${A}", "a"), ("x${A}y$A", "xaya"), (r"\$A", r"\$A"), ("'$A'", "'$A'"),
        ('"$A"', '"a"'), ("${A:-d}", "a"), ("${N:-d}", "d"), ("${N:-${A}}", "a"), ("${E:-d}", "d"),
        ("${E-d}", ""), ("${A:+d}", "d"), ("${N:+d}", ""), ("${E+d}", "d"), ("$N", "$N"),
        ("${N}", "${N}"), ("${A", "${A"), ("$", "$"), ("$1", "$1"), ("${A#a}", "${A#a}"),
    ],
)  # fmt: skip
def test_variables_are_replaced_as_far_as_they_are_known(written: str, meant: str) -> None:
    assert listed(f"FROM scratch\nENV A=a E=\nWORKDIR {written}\n")[2][2] == meant


def test_arguments_and_variables_have_their_scopes() -> None:
    text = (
        "ARG TAG=1\nARG UNUSED\nFROM base:$TAG AS one\nARG TAG\nARG HERE=$TAG\nENV B=$HERE\n"
        "FROM one\nWORKDIR /$B$HERE$TAG\nARG B=other\nUSER $B\nLABEL a=${TARGETARCH:-none}\n"
        "RUN echo $B\n"
    )
    values = {line: value for line, _, value in listed(text)}
    assert values[3] == "base:1 AS one"
    assert values[8] == "/1$HERE$TAG"
    assert values[10] == "1"  # ENV is stronger than ARG
    assert values[11] == "a=none"  # declared in no stage
    assert values[12] == "echo $B"
    given = {line: value for line, _, value in listed(text, {"TAG": "2"})}
    assert (given[3], given[8]) == ("base:2 AS one", "/2$HERE$TAG")


def rules(text: str, target: str | None = None) -> set[tuple[int, str]]:
    return {(one.line, one.rule) for one in parse(text, target=target).findings}


STAGES = """\
FROM debian AS build
USER builder
ENTRYPOINT ["/build"]
FROM registry:5000/base@sha256:1234 AS base
SHELL ["/bin/bash", "-c"]
CMD base
EXPOSE 80
FROM unused:1
ADD https://example.org/unused /
FROM base AS last
COPY --from=build /x /x
COPY --from=busybox:1 /y /y
ADD https://user:word@example.org/x /
ENTRYPOINT exec /x
HEALTHCHECK CMD /x --health
"""


def test_what_the_image_is_configured_with_has_a_line() -> None:
    found = rules(STAGES)
    assert {(14, "entrypoint"), (15, "healthcheck"), (7, "expose"), (10, "final-stage")} <= found
    assert not {(2, "user"), (3, "entrypoint"), (6, "cmd")} & found
    assert {line for line, rule in found if rule == "unpinned-base"} == {1, 12}
    assert {line for line, rule in found if rule == "add-url"} == {13}
    base = rules(STAGES, target="base")
    assert {(6, "cmd"), (4, "final-stage")} <= base
    assert (1, "unpinned-base") not in base
    messages = [one.message for one in parse(STAGES).findings]
    assert 'ENTRYPOINT exec /x (run by the shell ["/bin/bash", "-c"] of line 5)' in messages
    assert "debian is not pinned to a digest, and has no tag but latest" in messages
    assert not any("user:word" in message for message in messages)


def test_secrets_are_found_and_not_told() -> None:
    key = "AKIA" + "QYLPMN5HFIQR7XYZ"
    text = (
        "FROM scratch\nARG DB_PASSWORD\nENV API_TOKEN=verysecret MODE=fast\n"
        f"RUN <<EOF\necho {key}\nEOF\nENTRYPOINT run {key}\nARG PASSWORD_FILE=/x\n"
    )
    assert {line for line, rule in rules(text) if rule == "secret"} == {2, 3, 4, 7}
    assert not any("verysecret" in f.message or key in f.message for f in parse(text).findings)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no FROM"),
        ("# only\n", "no FROM"),
        ("RUN x\nFROM scratch\n", "Dockerfile:1: RUN stands before the first FROM"),
        ("FROM scratch\nRNU x\n", "Dockerfile:2: there is no instruction RNU"),
        ("FROM scratch\nUSER\n", "Dockerfile:2: USER has no arguments"),
    ],
)
def test_what_is_no_dockerfile_is_said_with_the_line(text: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        parse(text)


def test_a_stage_that_is_not_there_is_said() -> None:
    with pytest.raises(SourceError) as caught:
        parse(STAGES, target="nope")
    assert caught.value.hint == "it has: build, base, last"


def test_another_frontend_may_have_instructions_of_its_own() -> None:
    assert listed("# syntax=x/y:1\nFROM scratch\nMAGIC x\n")[1] == (3, "MAGIC", "x")
