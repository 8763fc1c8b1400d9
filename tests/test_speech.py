"""Speech of parts: cuts at silences, nothing lost or told twice at boundaries, subtitles instead of recognition."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.media import AvMediaReader
from adapters.whisper import WhisperRecogniser
from core.protocols import MediaReader
from core.records import Evidence, Modality, Part, Span
from core.signals import SAMPLE_RATE_HZ, FloatArray, SubtitleCue
from indexer.speech import evidence_from_subtitles, find_speech_cut, hear_part, join_cues
from tests.fakes.media_reader import FakeMediaReader
from tests.fakes.speech import FakeRecogniser, silence, tone

NOWHERE = Path("sound")
SAMPLE = Path(__file__).parents[1] / "api" / "web" / "sample" / "heron-point.mp4"


@dataclass
class SoundReader(FakeMediaReader):
    """A reader whose every file is the given sound."""

    sound: FloatArray

    def read_audio(self, path: Path, span: Span) -> FloatArray:
        return self.sound[round(span.start_s * SAMPLE_RATE_HZ) : round(span.end_s * SAMPLE_RATE_HZ)]

    @property
    def duration_s(self) -> float:
        return len(self.sound) / SAMPLE_RATE_HZ


def spoken(*lengths_s: float, pause_s: float = 0.5) -> SoundReader:
    """A reader of words of these lengths, of rising pitch, with pauses between."""
    words = [np.concatenate([tone(200 + 50 * n, length), silence(pause_s)]) for n, length in enumerate(lengths_s)]
    return SoundReader(np.concatenate(words))


def hear_all(reader: MediaReader, duration_s: float, boundaries_s: list[float]) -> list[list[Evidence]]:
    edges = [0.0, *boundaries_s, duration_s]
    parts = [Part("v", number, Span(a, b)) for number, (a, b) in enumerate(pairwise(edges))]
    recogniser = FakeRecogniser()
    return [
        list(hear_part(reader, NOWHERE, part, duration_s, recogniser, profile="offline").evidence) for part in parts
    ]


class TestCuts:
    def test_the_ends_of_the_video_are_their_own_cuts(self) -> None:
        reader = spoken(3.0, 3.0)
        recogniser = FakeRecogniser()
        assert find_speech_cut(reader, NOWHERE, 0.0, reader.duration_s, recogniser) == 0.0
        assert find_speech_cut(reader, NOWHERE, reader.duration_s, reader.duration_s, recogniser) == reader.duration_s

    def test_falls_into_the_nearest_pause(self) -> None:
        reader = spoken(9.0, 2.0, 9.0)  # pauses at 9.0-9.5 and 11.5-12.0
        assert find_speech_cut(reader, NOWHERE, 10.0, reader.duration_s, FakeRecogniser()) == pytest.approx(
            9.25, abs=0.1
        )
        assert find_speech_cut(reader, NOWHERE, 11.0, reader.duration_s, FakeRecogniser()) == pytest.approx(
            11.75, abs=0.1
        )

    def test_prefers_a_long_pause_to_a_slightly_nearer_short_one(self) -> None:
        sound = np.concatenate([tone(200, 9), silence(0.35), tone(300, 1.5), silence(1.0), tone(400, 9)])
        reader = SoundReader(sound)
        cut_s = find_speech_cut(reader, NOWHERE, 9.9, reader.duration_s, FakeRecogniser())
        assert 10.85 < cut_s < 11.85

    def test_stays_at_the_boundary_where_nobody_speaks(self) -> None:
        reader = SoundReader(silence(30))
        assert find_speech_cut(reader, NOWHERE, 12.3, 30.0, FakeRecogniser()) == 12.3

    def test_takes_the_quietest_instant_where_nobody_pauses(self) -> None:
        sound = tone(200, 20)
        dip = slice(round(10.6 * SAMPLE_RATE_HZ), round(10.7 * SAMPLE_RATE_HZ))
        sound[dip] *= 0.3
        cut_s = find_speech_cut(SoundReader(sound), NOWHERE, 10.0, 20.0, FakeRecogniser())
        assert 10.6 <= cut_s <= 10.7

    def test_survives_sound_that_ends_before_the_video(self) -> None:
        reader = spoken(4.0, 4.0)
        assert find_speech_cut(reader, NOWHERE, 20.0, 30.0, FakeRecogniser()) == 20.0
        assert hear_all(reader, 30.0, [20.0])[1] == []


class TestParts:
    @settings(max_examples=40, deadline=None)
    @given(
        lengths=st.lists(st.integers(6, 30), min_size=8, max_size=25),
        first=st.floats(8, 14),
        second=st.floats(9, 20),
    )
    def test_every_word_is_told_once_wherever_parts_begin(
        self, lengths: list[int], first: float, second: float
    ) -> None:
        reader = spoken(*(length / 10 for length in lengths))
        boundaries_s = [b for b in (first, first + second) if b < reader.duration_s - 0.1]
        told = [item.text for part in hear_all(reader, reader.duration_s, boundaries_s) for item in part]
        assert told == [f"hz{200 + 50 * n}." for n in range(len(lengths))]

    def test_times_are_those_of_the_video_and_ids_repeat(self) -> None:
        reader = spoken(5.0, 3.0, 5.0, 3.0, 5.0)
        first, second = hear_all(reader, reader.duration_s, [9.5])
        assert [item.span.start_s for item in first] == pytest.approx([0.0, 5.5], abs=0.06)
        assert [item.span.start_s for item in second] == pytest.approx([9.0, 14.5, 18.0], abs=0.06)
        assert all(item.words[0].start_s == item.span.start_s for item in second)
        assert {item.part for item in second} == {1}
        assert {(item.modality, item.produced_by, item.language) for item in second} == {
            (Modality.SPEECH, "fake recogniser 1", "en")
        }
        assert hear_all(reader, reader.duration_s, [9.5]) == [first, second]
        assert len({item.id for item in first + second}) == 5

    def test_silence_is_no_evidence(self) -> None:
        hearing = hear_part(
            SoundReader(silence(20)), NOWHERE, Part("v", 0, Span(0, 20)), 20.0, FakeRecogniser(), profile="offline"
        )
        assert hearing.evidence == ()
        assert hearing.language is None

    @pytest.mark.models
    def test_a_real_narration_is_told_once_through_a_boundary_inside_a_sentence(self, tmp_path: Path) -> None:
        reader, recogniser = AvMediaReader(max_duration_s=3600), WhisperRecogniser("tiny.en", cache_dir=tmp_path)
        parts = [Part("v", 0, Span(15, 34.2)), Part("v", 1, Span(34.2, 48))]
        said = " ".join(
            item.text
            for part in parts
            for item in hear_part(reader, SAMPLE, part, 99.0, recogniser, profile="offline").evidence
        )
        assert said.count("She arrived by boat") == 1
        assert said.count("was first lit") == 1
        assert said.index("every evening") < said.index("She arrived") < said.index("strong coffee")


class TestSubtitles:
    def test_a_cue_belongs_to_the_part_in_which_it_begins(self) -> None:
        cues = (SubtitleCue(Span(1, 4), "One."), SubtitleCue(Span(9, 12), "Two."), SubtitleCue(Span(12, 14), "Three."))
        parts = [Part("v", 0, Span(0, 10)), Part("v", 1, Span(10, 20))]
        told = [[item.text for item in evidence_from_subtitles(cues, part, "offline").evidence] for part in parts]
        assert told == [["One.", "Two."], ["Three."]]

    def test_is_speech_with_its_own_source(self) -> None:
        hearing = evidence_from_subtitles([SubtitleCue(Span(1, 4), "One.")], Part("v", 0, Span(0, 10)), "offline")
        assert hearing.evidence[0].modality is Modality.SPEECH
        assert hearing.evidence[0].produced_by == "subtitles"

    def test_joins_the_cues_of_a_sentence(self) -> None:
        cues = [
            SubtitleCue(Span(0, 4), "This is the science segment"),
            SubtitleCue(Span(4, 8), "of the telescope. It is"),
            SubtitleCue(Span(8, 9), "cold."),
            SubtitleCue(Span(15, 16), "far"),
            SubtitleCue(Span(20, 21), "away"),
        ]
        assert [(cue.span, cue.text) for cue in join_cues(cues)] == [
            (Span(0, 9), "This is the science segment of the telescope. It is cold."),
            (Span(15, 16), "far"),
            (Span(20, 21), "away"),
        ]

    def test_drops_markup_sounds_and_repeated_lines(self) -> None:
        cues = [
            SubtitleCue(Span(0, 1), "[door slams]"),
            SubtitleCue(Span(1, 2), "♪♪"),
            SubtitleCue(Span(2, 3), r"{\an8}<i>Tom &amp; Ann</i>" + "\n- are here!"),
            SubtitleCue(Span(3, 4), "Tom & Ann are here!"),
        ]
        assert [(cue.span, cue.text) for cue in join_cues(cues)] == [(Span(2, 4), "Tom & Ann are here!")]

    def test_never_joins_to_more_than_a_dozen_seconds(self) -> None:
        cues = [SubtitleCue(Span(n * 5, n * 5 + 5), f"and {n}") for n in range(6)]
        assert max(cue.span.duration_s for cue in join_cues(cues)) <= 12
