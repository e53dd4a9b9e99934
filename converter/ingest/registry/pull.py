"""A pull: from a name to an image whose parts are all in the cache, checked."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ... import cache
from ...errors import ImageNotFoundError, OtherPlatformError, SourceError
from ...progress import Progress, Silent
from .. import digest, limits
from ..blob import Blob
from ..manifest import Manifest, assemble, parse, strings
from ..options import Pull, SourceOptions
from ..origin import of_registry
from ..platform import Platform, of_config
from ..reference import Name, parse_name
from . import documents
from .documents import Descriptor, ImageManifest, Offer
from .download import Download
from .endpoints import endpoints
from .kept import keep, kept, kept_image, listed_diff_ids, record
from .parallel import in_parallel
from .session import Session
from .transport import Answer, Transport, UnavailableError, patiently, printable

_NESTING = 4  # an index of indexes of … is a loop in the making
_AT_ONCE = 4  # downloads, as many as docker and skopeo would do (3 and 6)
_TAGS_ASKED = 1000


def open_image(reference: str, progress: Progress, options: SourceOptions) -> Manifest:
    """The image that its registry, or a mirror of it, has under this name for the platform."""
    name = parse_name(reference)
    if options.pull is Pull.NEVER:
        return kept_image(name, options)
    progress.step(f"asking for {name}")
    places = endpoints(name, options)
    insecure = frozenset(place.host for place in places if place.is_insecure)
    transport = Transport(insecure | {host.lower() for host in options.insecure_registries})
    problems: list[SourceError] = []
    try:
        for place in places:
            try:
                return _Image(name, Session(transport, place), progress, options).fetched()
            except SourceError as problem:
                problems.append(problem)
    finally:
        transport.close()
    raise _all_failed(problems)


def _all_failed(problems: Sequence[SourceError]) -> SourceError:
    """The registry's own answer, and what its mirrors had said before."""
    *mirrors, last = problems
    if not mirrors:
        return last
    said = "; ".join(problem.message for problem in mirrors)
    return SourceError(f"{last.message}; before it, its mirrors: {said}", hint=last.hint)


@dataclass(frozen=True, slots=True)
class _Image:
    """One name at one place."""

    name: Name
    session: Session
    progress: Progress
    options: SourceOptions

    def fetched(self) -> Manifest:
        digests, document = self._manifest()
        manifest = documents.image_manifest(str(self.name), document, self.options.limits)
        config = self._config(manifest.config)
        self.progress.step(f"pulling {self.name}")
        layers = self._layers(manifest, listed_diff_ids(str(self.name), config))
        assembled = assemble(str(self.name), config, layers, of_registry(self.name, digests))
        record(self.name, self.options.platform, digests, manifest)
        return assembled

    def _manifest(self) -> tuple[tuple[str, ...], dict[str, Any]]:
        """The image's manifest, through indexes if need be, and the digests of all, its own
        first."""
        version, data, media_type = self._top()
        digests: tuple[str, ...] = (version,)
        for _ in range(_NESTING):
            document = documents.read_document(str(self.name), data, media_type)
            if not documents.is_index(document):
                return digests, document
            descriptor = self._chosen(document)
            digests, media_type = (descriptor.digest, *digests), descriptor.media_type
            data = self._by_digest(descriptor.digest)
        raise SourceError(f"{self.name}: indexes are nested more than {_NESTING} deep")

    def _top(self) -> tuple[str, bytes, str]:
        if self.name.digest:
            return self.name.digest, self._by_digest(self.name.digest), ""
        try:
            answer = patiently(self._asked(self.name.tag))
        except ImageNotFoundError as missing:
            raise self._with_near_tags(missing) from missing
        version = digest.of_bytes(answer.body)
        keep(version, answer.body)
        return version, answer.body, answer.media_type

    def _asked(self, version: str) -> Callable[[], Answer]:
        return partial(self.session.fetch, f"manifests/{version}", documents.ACCEPT)

    def _by_digest(self, version: str) -> bytes:
        """Of the cache if it has it, for what is named by its digest never changes."""
        data = kept(version)
        if data is not None:
            return data
        answer = patiently(self._asked(version))
        if digest.of_bytes(answer.body) != version:
            actual = digest.of_bytes(answer.body)
            if answer.media_type == "text/html":
                documents.read_document(str(self.name), answer.body, answer.media_type)
            raise SourceError(
                f"{self.name}: the registry gave a manifest with the digest {actual} for {version}"
            )
        keep(version, answer.body)
        return answer.body

    def _chosen(self, index: dict[str, Any]) -> Descriptor:
        """The entry for the platform; else an index that may have it."""
        offered = documents.offers(str(self.name), index)
        best = documents.chosen(str(self.name), offered, self.options.platform)
        nested = [offer for offer in offered if offer.is_index and offer.platform is None]
        if best is not None:
            return best.descriptor
        if len(nested) == 1:
            return nested[0].descriptor
        raise _no_platform(self.name, self.options.platform, offered)

    def _config(self, descriptor: Descriptor) -> bytes:
        if descriptor.size_bytes > limits.METADATA_BYTES:
            raise SourceError(
                f"{self.name}: a configuration of {descriptor.size_bytes} bytes is refused"
            )
        data = kept(descriptor.digest)
        if data is None:
            self._download(descriptor, "configuration", Silent(), threading.Event()).run()
            data = kept(descriptor.digest)
        if data is None or len(data) != descriptor.size_bytes:
            raise SourceError(f"{self.name}: the configuration is not of the size that is stated")
        _require_platform(self.name, data, self.options.platform)
        return data

    def _layers(self, manifest: ImageManifest, diff_ids: Sequence[str]) -> list[Blob]:
        """Each layer once; one that an earlier run has unpacked is not fetched at all."""
        unpacked: dict[str, Blob] = {}
        for layer, diff_id in zip(manifest.layers, diff_ids, strict=False):
            path = cache.find("layers", diff_id)
            if path is not None:
                unpacked[layer.digest] = Blob(path, 0, path.stat().st_size)
        missing = {
            layer.digest: (index, layer)
            for index, layer in enumerate(manifest.layers)
            if layer.digest not in unpacked
        }
        cancelled = threading.Event()
        count = len(manifest.layers)
        tasks = [
            self._download(layer, f"layer {index + 1} of {count}", self.progress, cancelled).run
            for index, layer in missing.values()
        ]
        fetched = dict(zip(missing, in_parallel(tasks, _AT_ONCE, cancelled), strict=True))
        return [{**unpacked, **fetched}[layer.digest] for layer in manifest.layers]

    def _download(
        self, wanted: Descriptor, what: str, progress: Progress, cancelled: threading.Event
    ) -> Download:
        return Download(self.session, wanted, what, progress, cancelled)

    def _with_near_tags(self, missing: ImageNotFoundError) -> ImageNotFoundError:
        """What the registry has instead, if it says."""
        try:
            answer = self.session.fetch(f"tags/list?n={_TAGS_ASKED}", "application/json")
            names = list(strings("tags", parse("tags", answer.body), "tags"))
        except (SourceError, UnavailableError):
            return missing
        close = difflib.get_close_matches(self.name.tag, names, n=5, cutoff=0.4) or names[-5:]
        hint = f"it has: {printable(', '.join(close))}" if close else missing.hint
        return ImageNotFoundError(missing.message, hint=hint)


def _no_platform(name: Name, wanted: Platform, offered: Sequence[Offer]) -> SourceError:
    has = sorted({str(offer.platform) for offer in offered if offer.platform is not None})
    if not has:
        return SourceError(f"{name}: its index has no image for {wanted}, nor for any other")
    if all(one.startswith("windows/") for one in has):
        return OtherPlatformError(f"{name} is for Windows only: {', '.join(has)}")
    hint = "choose one with --platform, or another tag"
    return OtherPlatformError(f"{name}: no image for {wanted}; it has {', '.join(has)}", hint=hint)


def _require_platform(name: Name, config: bytes, wanted: Platform) -> None:
    """A name without an index has one platform, which is not asked for but found."""
    offered = of_config(parse(f"{name}: configuration", config))
    if offered.os == "windows":
        raise OtherPlatformError(
            f"{name} is an image of Windows ({offered}); only Linux ones are taken"
        )
    if not wanted.takes(offered):
        raise OtherPlatformError(
            f"{name} is for {offered}, not {wanted}",
            hint=f"give --platform {offered} if you mean it",
        )
