"""The straight line of a part: decode, hear and see side by side, build segments, embed, write the artifact.

It does not know which engines it is given, who claimed the part, nor when it is published.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.artifact import PartArtifact
from core.errors import BadInput, TryAgain
from core.protocols import (
    Captioner,
    EntityRecogniser,
    MediaReader,
    ObjectDetector,
    ScreenReader,
    ShotDetector,
    SpeechRecogniser,
)
from core.records import Evidence, Keyframe, Modality, Part, Shot, Video
from core.signals import SAMPLE_RATE_HZ, SubtitleCue
from core.stores import MediaStore
from indexer.captions import caption_shots
from indexer.embeddings import Encoders, embed_segments
from indexer.keyframes import KeyframePicture, choose_keyframes
from indexer.objects import name_objects
from indexer.screen_text import read_screen
from indexer.segments import build_segments
from indexer.shots import detect_shots
from indexer.speech import Hearing, evidence_from_subtitles, hear_part
from indexer.terms import find_terms

Report = Callable[[str, float], None]
"""Called with the name of the stage that begins and the share of the part done so far."""


@dataclass(frozen=True, slots=True)
class Perception:
    """The engines of an indexing profile; ``objects`` and ``captioner`` are None where none is configured.

    ``names`` finds in texts on screen what the speech recogniser is told to expect.
    """

    profile: str
    reader: MediaReader
    shots: ShotDetector
    speech: SpeechRecogniser
    screen: ScreenReader
    encoders: Encoders
    names: EntityRecogniser
    objects: ObjectDetector | None = None
    captioner: Captioner | None = None


@dataclass(slots=True)
class Stopwatch:
    """Wall seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - started, 3)


@dataclass(frozen=True, slots=True)
class Sight:
    """What the seeing half of a part found."""

    shots: tuple[Shot, ...]
    keyframes: tuple[KeyframePicture, ...]
    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...]


def index_part(
    video: Video,
    part: Part,
    path: Path,
    cues: tuple[SubtitleCue, ...],
    perception: Perception,
    media: MediaStore,
    report: Report,
    earlier: PartArtifact | None = None,
) -> PartArtifact:
    """Return everything there is to know about a part; its keyframes are in the media store when it returns.

    ``cues`` are the subtitles of the whole video, empty if it has none; then speech is recognised. What ``earlier``
    holds by the very engines of now is taken over: words are heard and read once. Texts on screen without regions,
    which an earlier version did not keep, are read again.

    Raises:
        StageFailed: a stage could not finish, with its name.
    """
    watch = Stopwatch()
    shown: Future[tuple[Evidence, ...]] = Future()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="hear") as pool:
        # The engines release the GIL: hearing and seeing share the cores, and the part is ready sooner.
        heard = pool.submit(_hear, video, part, path, cues, perception, watch, earlier, shown)
        try:
            seen = _see(video, part, path, perception, watch, report, earlier, shown)
        except BaseException as error:
            if not shown.done():
                shown.set_exception(error)  # whoever listens need not go on
            raise
        report("speech", 0.6)
        hearing = heard.result()
    report("embeddings", 0.8)
    evidence = (*hearing.evidence, *seen.evidence)
    keyframes = [Keyframe(k.time_s, k.span, keyframe_key(video.id, k.time_s)) for k in seen.keyframes]
    segments = build_segments(video.id, perception.profile, part.number, part.span, seen.shots, evidence, keyframes)
    with watch.measure("embeddings"):
        pictures = {picture.time_s: picture.rgb for picture in seen.keyframes}
        vectors = embed_segments(segments, evidence, pictures, perception.encoders)
    report("artifact", 0.95)
    for picture in seen.keyframes:
        media.put_bytes(keyframe_key(video.id, picture.time_s), picture.jpeg)
    return PartArtifact(
        video_id=video.id,
        tenant=video.tenant,
        number=part.number,
        span=part.span,
        profile=perception.profile,
        evidence=evidence,
        segments=segments,
        vectors=vectors,
        shots=seen.shots,
        language=hearing.language,
        warnings=seen.warnings,
        stage_seconds=watch.seconds,
    )


def warm_up(perception: Perception) -> None:
    """Load the models of a profile by giving each a trifle to do, so that the first part does not wait for them."""
    blank = np.zeros((64, 64, 3), dtype=np.uint8)
    perception.encoders.visual.embed_pictures([blank])
    perception.encoders.text.embed_passages(["warm"])
    perception.encoders.text.embed_passage_tokens(["warm"])
    perception.screen.read_text(blank)
    perception.speech.find_speech(np.zeros(SAMPLE_RATE_HZ, dtype=np.float32))
    perception.names.find_names(["warm"])


def keyframe_key(video_id: str, time_s: float) -> str:
    """Return where the picture of a keyframe is kept; the same instant always has the same key.

    >>> keyframe_key("v", 12.34)
    'videos/v/keyframes/000012340.jpg'
    """
    return f"videos/{video_id}/keyframes/{round(time_s * 1000):09d}.jpg"


def known_evidence(earlier: PartArtifact | None, modality: Modality, engine: str) -> tuple[Evidence, ...]:
    """Return the earlier evidence of a modality if all of it was produced by this engine; else none."""
    found = tuple(item for item in earlier.evidence if item.modality is modality) if earlier else ()
    return found if all(item.produced_by == engine for item in found) else ()


def known_texts(earlier: PartArtifact | None, engine: str) -> tuple[Evidence, ...]:
    """Return the earlier texts on screen, like ``known_evidence``; none if where they stand was not kept."""
    found = known_evidence(earlier, Modality.SCREEN, engine)
    return found if any(item.region for item in found) else ()


def _hear(
    video: Video,
    part: Part,
    path: Path,
    cues: tuple[SubtitleCue, ...],
    perception: Perception,
    watch: Stopwatch,
    earlier: PartArtifact | None,
    shown: Future[tuple[Evidence, ...]],
) -> Hearing:
    """Return what is said; words are written only once it is known what is ``shown``, so its time holds that wait."""
    with watch.measure("speech"):
        if cues:
            return evidence_from_subtitles(cues, part, perception.profile)
        if not video.has_audio:
            return Hearing((), None)
        if earlier and (heard := known_evidence(earlier, Modality.SPEECH, perception.speech.name)):
            return Hearing(heard, earlier.language)
        assert video.duration_s is not None, "a planned video has a duration"
        return hear_part(
            perception.reader,
            path,
            part,
            video.duration_s,
            perception.speech,
            profile=perception.profile,
            terms=lambda: find_terms(shown.result(), perception.names),
        )


def _see(
    video: Video,
    part: Part,
    path: Path,
    perception: Perception,
    watch: Stopwatch,
    report: Report,
    earlier: PartArtifact | None,
    shown: Future[tuple[Evidence, ...]],
) -> Sight:
    """Return what is seen; texts on screen are told through ``shown`` as soon as they are read."""
    if video.width_px is None:
        shown.set_result(())
        return Sight((), (), (), ())
    report("decode", 0.02)
    with watch.measure("decode"):
        decoded = perception.reader.decode_part(path, part.span)
    report("shots", 0.15)
    with watch.measure("shots"):
        shots = detect_shots(decoded, part.span, perception.shots)
        keyframes = choose_keyframes(decoded, shots)
    report("screen text", 0.3)
    with watch.measure("screen text"):
        evidence = known_texts(earlier, perception.screen.name)
        evidence = evidence or read_screen(keyframes, perception.screen, part, perception.profile)
    shown.set_result(evidence)
    if perception.objects is not None:
        with watch.measure("objects"):
            evidence += name_objects(decoded, shots, keyframes, perception.objects, part, perception.profile)
    warnings = decoded.warnings
    if perception.captioner is not None:
        report("captions", 0.5)
        try:
            with watch.measure("captions"):
                known = known_evidence(earlier, Modality.CAPTION, perception.captioner.name)
                evidence += known or caption_shots(shots, keyframes, perception.captioner, part, perception.profile)
        except (TryAgain, BadInput) as error:
            # A video without captions is worth more than no video: everything else about the part is known.
            warnings += (f"Captions of part {part.number} are missing: {error}",)
    return Sight(tuple(shots), tuple(keyframes), evidence, warnings)
