"""Speech evidence of a part: recognised sentences with word times, or the subtitles the video brings along.

It does not know the recogniser. Parts are heard independently of each other, yet no word at a boundary is lost or
told twice: a part's speech is not ``[part.start_s, part.end_s)`` but ``[cut(start_s), cut(end_s))``, where the cut of
a boundary is a silence near it, found in samples that both neighbours read alike.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.ids import derived_id
from core.protocols import MediaReader, SpeechRecogniser, Terms
from core.records import Evidence, Modality, Part, Span, Word
from core.signals import SAMPLE_RATE_HZ, SubtitleCue, Transcript
from core.sounds import quietest_instant_s

CUT_REACH_S = 4.0
"""A cut lies within this of its boundary; twice this is the shortest part allowed, so cuts keep their order."""
LOUD_REACH_S = 1.5
"""Where nobody pauses, the quietest instant this near is taken: mostly between two words."""
WINDOW_EDGE_S = 0.3
"""Silence touching the ends of the window is not trusted: voice detection starts cold there."""
KEPT_PAUSE_S = 0.5
"""Inside a long silence the cut keeps this far from both voices, and otherwise stays near the boundary."""
LONG_PAUSE_S, LONG_PAUSE_WEIGHT = 1.0, 2.0
"""A second more of silence outweighs two seconds more of distance; longer silences gain nothing further."""
MAX_CUE_GAP_S = 0.8
MAX_SUBTITLE_S = 12.0
"""Cues of one sentence are joined unless so far apart, and never to more than this."""
SUBTITLE_CONFIDENCE = 1.0
"""People wrote them."""

_MARKUP = re.compile(r"<[^>]*>|\{\\[^}]*\}")
_SOUND_LABEL = re.compile(r"[\[(][^\])]*[\])]|[♪♫#]+")
_TERMINAL = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard in a part: evidence in time order, and the language (ISO 639-1)."""

    evidence: tuple[Evidence, ...]
    language: str | None


def hear_part(
    reader: MediaReader,
    path: Path,
    part: Part,
    duration_s: float,
    recogniser: SpeechRecogniser,
    *,
    profile: str,
    terms: Terms = tuple,
) -> Hearing:
    """Return what is said in the part, from its first cut to its last; all times are those of the video.

    ``duration_s`` is of the whole video. Sentences may reach CUT_REACH_S over the ends of the part. ``terms``: as
    in ``SpeechRecogniser.transcribe``.
    """
    start_s = find_speech_cut(reader, path, part.span.start_s, duration_s, recogniser)
    end_s = find_speech_cut(reader, path, part.span.end_s, duration_s, recogniser)
    if end_s <= start_s:
        return Hearing((), None)
    samples = reader.read_audio(path, Span(start_s, end_s))
    if not len(samples):
        return Hearing((), None)
    transcript = recogniser.transcribe(samples, terms=terms)
    evidence = _evidence_from_transcript(transcript, part, profile, start_s, recogniser.name)
    return Hearing(evidence, transcript.language)


def find_speech_cut(
    reader: MediaReader, path: Path, boundary_s: float, duration_s: float, recogniser: SpeechRecogniser
) -> float:
    """Return the instant near a part boundary where speech is cut: the same for both neighbours.

    It depends on the file and the boundary alone. The ends of the video are their own cuts.
    """
    if boundary_s <= 0.0 or boundary_s >= duration_s:
        return min(max(boundary_s, 0.0), duration_s)
    window = Span(max(0.0, boundary_s - CUT_REACH_S), min(duration_s, boundary_s + CUT_REACH_S))
    samples = reader.read_audio(path, window)
    heard_s = len(samples) / SAMPLE_RATE_HZ
    if boundary_s - window.start_s >= heard_s:
        return boundary_s
    boundary_in_window_s = boundary_s - window.start_s
    voices = recogniser.find_speech(samples)
    silence = _best_silence(voices, boundary_in_window_s, heard_s)
    if silence is not None:
        margin_s = min(KEPT_PAUSE_S, silence.duration_s / 2)
        cut_s = min(max(boundary_in_window_s, silence.start_s + margin_s), silence.end_s - margin_s)
    else:
        near = Span(max(0.0, boundary_in_window_s - LOUD_REACH_S), min(heard_s, boundary_in_window_s + LOUD_REACH_S))
        cut_s = quietest_instant_s(samples, near)
    return round(window.start_s + cut_s, 3)


def _best_silence(voices: Sequence[Span], boundary_s: float, heard_s: float) -> Span | None:
    """Return the silence to cut in, near and long; None if there is no silence.

    >>> _best_silence([Span(1, 4), Span(4.4, 6), Span(6.1, 9)], 5.0, 10.0)
    Span(start_s=4, end_s=4.4)
    >>> _best_silence([], 5.0, 10.0)
    Span(start_s=0.0, end_s=10.0)
    """
    edges = [0.0, *(edge for voice in voices for edge in (voice.start_s, voice.end_s)), heard_s]
    silences = []
    for start_s, end_s in zip(edges[::2], edges[1::2], strict=True):
        is_clipped = voices and (start_s == 0.0 or end_s == heard_s)
        if end_s - start_s > (2 * WINDOW_EDGE_S if is_clipped else 0.0):
            silences.append(Span(start_s, end_s))

    def cost(silence: Span) -> float:
        away_s = max(0.0, silence.start_s - boundary_s, boundary_s - silence.end_s)
        return away_s - LONG_PAUSE_WEIGHT * min(silence.duration_s, LONG_PAUSE_S)

    return min(silences, key=cost, default=None)


def _evidence_from_transcript(
    transcript: Transcript, part: Part, profile: str, offset_s: float, produced_by: str
) -> tuple[Evidence, ...]:
    evidence = []
    for number, said in enumerate(transcript.utterances):
        confidences = [word.confidence for word in said.words]
        evidence.append(
            Evidence(
                id=derived_id(part.video_id, profile, part.number, "speech", number),
                video_id=part.video_id,
                part=part.number,
                span=_shift(said.span, offset_s),
                modality=Modality.SPEECH,
                text=said.text,
                confidence=round(sum(confidences) / len(confidences), 4) if confidences else 0.5,
                produced_by=produced_by,
                language=transcript.language,
                words=tuple(_shift_word(word, offset_s) for word in said.words),
                translation=said.translation,
            )
        )
    return tuple(evidence)


def _shift(span: Span, offset_s: float) -> Span:
    return Span(round(span.start_s + offset_s, 3), round(span.end_s + offset_s, 3))


def _shift_word(word: Word, offset_s: float) -> Word:
    confidence = round(word.confidence, 4)
    return Word(word.text, round(word.start_s + offset_s, 3), round(word.end_s + offset_s, 3), confidence)


def evidence_from_subtitles(cues: Sequence[SubtitleCue], part: Part, profile: str) -> Hearing:
    """Return the subtitles of a part as its speech; a cue belongs to the part in which it begins.

    ``cues`` are those of the whole video, in time order. Cues that continue a sentence are joined; markup, sound
    labels and repeated lines are dropped.
    """
    evidence = tuple(
        Evidence(
            id=derived_id(part.video_id, profile, part.number, "speech", number),
            video_id=part.video_id,
            part=part.number,
            span=cue.span,
            modality=Modality.SPEECH,
            text=cue.text,
            confidence=SUBTITLE_CONFIDENCE,
            produced_by="subtitles",
        )
        for number, cue in enumerate(join_cues([cue for cue in cues if part.span.contains(cue.span.start_s)]))
    )
    return Hearing(evidence, None)


def join_cues(cues: Sequence[SubtitleCue]) -> list[SubtitleCue]:
    """Return cues with clean text, those of one sentence joined.

    >>> joined = join_cues([SubtitleCue(Span(0, 2), "<i>We want</i>"), SubtitleCue(Span(2, 3), "to be free.")])
    >>> [(cue.text, cue.span.end_s) for cue in joined]
    [('We want to be free.', 3)]
    """
    joined: list[SubtitleCue] = []
    for cue in cues:
        text = _clean_cue(cue.text)
        if not text:
            continue
        if joined and joined[-1].text == text and joined[-1].span.gap_s(cue.span) <= MAX_CUE_GAP_S:
            joined.append(SubtitleCue(joined.pop().span.cover(cue.span), text))
            continue
        if joined and _continues(joined[-1], cue.span):
            last = joined.pop()
            joined.append(SubtitleCue(last.span.cover(cue.span), f"{last.text} {text}"))
        else:
            joined.append(SubtitleCue(cue.span, text))
    return joined


def _continues(last: SubtitleCue, span: Span) -> bool:
    is_open = not _TERMINAL.search(last.text)
    is_near = span.start_s - last.span.end_s <= MAX_CUE_GAP_S
    return is_open and is_near and last.span.cover(span).duration_s <= MAX_SUBTITLE_S


def _clean_cue(text: str) -> str:
    text = _SOUND_LABEL.sub(" ", html.unescape(_MARKUP.sub("", text)))
    return " ".join(re.sub(r"(^|\n)\s*[-–—]\s+", r"\1", text).split())
