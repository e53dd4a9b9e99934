"""Dockerfile sources: which they are, and what comes of them, built by what is there.

Docker's daemon builds where it answers: with BuildKit where its command has that, else with the
classic builder. Else buildah does, or podman, which has the same inside. The image stays where it
was built, as `docker build` leaves it, so that the next build finds its layers. Not from standard
input, not from a URL.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ... import cache, engines, secrets, tools
from ...errors import ImageNotFoundError, SourceError, ToolError
from ...model import Dockerfile
from ...progress import Progress
from .. import daemon, digest, platform
from ..docker_archive import read_saved
from ..manifest import Manifest
from ..options import Pull
from .reading import Arguments, read
from .wanted import Wanted

_LAST_BUILT_IN = 22  # docker's commands of later versions have BuildKit as a plugin, buildx
_HEREDOC_HINT = "docker's classic builder and old buildahs know no heredocs: install docker-buildx"
_HINT = "start docker (`systemctl start docker`), or `apt-get install buildah`"


def built(wanted: Wanted, progress: Progress) -> tuple[Manifest, Dockerfile]:
    """The image, and what its Dockerfile says; SourceError when it cannot be built."""
    arguments = Arguments(wanted.arguments, wanted.options.build.target, wanted.options.platform)
    dockerfile = read(wanted.file, arguments)
    progress.step(f"building {wanted.file}")
    try:
        return _build(wanted, progress), dockerfile
    except ToolError as failed:
        has_heredocs = any(one.heredocs for one in dockerfile.instructions)
        raise SourceError(
            f"{wanted.file} was not built: {failed.message}",
            hint=_HEREDOC_HINT if has_heredocs else None,
        ) from failed


def _build(wanted: Wanted, progress: Progress) -> Manifest:
    docker_command = shutil.which("docker")
    problem = "there is no docker command"
    if docker_command is not None:
        try:
            with engines.connected(engines.DOCKER) as client:
                client.ping()
            return _by_docker(docker_command, wanted, progress)
        except ImageNotFoundError as silent:
            problem = silent.message
    for name in ("buildah", "podman"):
        command = shutil.which(name)
        if command is not None:
            return _by_buildah(command, wanted, progress)
    raise SourceError(f"nothing here can build {wanted.file}: {problem}", hint=_HINT)


def _by_docker(command: str, wanted: Wanted, progress: Progress) -> Manifest:
    words, environment = _docker_builder(command)
    image_id = _run([*words, *_options(wanted)], wanted, progress, environment)
    return daemon.open_image(image_id, progress)


def _docker_builder(command: str) -> tuple[list[str], dict[str, str]]:
    """The command that builds, and the variables that choose how."""
    if tools.status_within([command, "buildx", "version"], timeout_s=30) == 0:
        return [command, "buildx", "build", "--load"], {"BUILDKIT_PROGRESS": "plain"}
    version = tools.run([command, "--version"]).stdout
    number = re.search(r"version (\d+)", version)
    if number is not None and int(number[1]) <= _LAST_BUILT_IN:
        return [command, "build"], {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
    return [command, "build", "--force-rm"], {"DOCKER_BUILDKIT": "0"}


def _by_buildah(command: str, wanted: Wanted, progress: Progress) -> Manifest:
    """By buildah's command or podman's, which takes the same words."""
    # docker's format keeps HEALTHCHECK and SHELL, and its archive the image ID.
    words = [command, "build", "--format", "docker", "--layers", "--force-rm"]
    image_id = _run([*words, *_options(wanted)], wanted, progress, {})
    kept = cache.find("images", image_id)
    if kept is None:
        progress.step(f"saving the image from {Path(command).name}")
        kept = _pushed(command, image_id)
    try:
        return read_saved(kept, image_id, str(wanted.file))
    except SourceError:
        cache.discard(kept)
        raise


def _pushed(command: str, image_id: str) -> Path:
    kept = cache.path("images", image_id)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with _scratch(kept.parent) as directory:
        archive = directory / "image.tar"
        push = [command, "push", "--quiet", image_id, f"docker-archive:{archive}"]
        tools.run(push, timeout_s=3600)
        return archive.replace(kept)


def _options(wanted: Wanted) -> list[str]:
    """Those that all builders have, under the same names."""
    options = ["--file", str(wanted.file)]
    hidden = _hidden(wanted.arguments)
    for name, value in wanted.arguments.items():
        options += ["--build-arg", name if name in hidden else f"{name}={value}"]
    if wanted.options.build.target:
        options += ["--target", wanted.options.build.target]
    if wanted.options.platform != platform.DEFAULT:
        options += ["--platform", str(wanted.options.platform)]
    if wanted.options.pull is Pull.ALWAYS:
        options.append("--pull")
    return options


def _hidden(arguments: Mapping[str, str]) -> dict[str, str]:
    """Arguments that look like secrets: by way of the environment they are in no list of processes
    and no error's command. Others could be variables that the builder itself goes by."""
    return {
        name: value
        for name, value in arguments.items()
        if secrets.reason(name, value) and os.environ.get(name, value) == value
    }


def _run(
    words: list[str], wanted: Wanted, progress: Progress, environment: Mapping[str, str]
) -> str:
    """Build, with the builder's output shown as it comes; the image's ID."""
    with _scratch(None) as directory:
        id_file = directory / "id"
        command = [*words, "--iidfile", str(id_file), str(wanted.context)]
        variables = {**environment, **_hidden(wanted.arguments)}
        tools.follow(command, progress.say, environment=variables)
        try:
            return digest.validated(id_file.read_text().strip(), of=f"{wanted.file}: image ID")
        except OSError as missing:
            raise SourceError(f"{wanted.file}: the builder named no image") from missing


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=parent, prefix=cache.TEMPORARY) as name:
        yield Path(name)
