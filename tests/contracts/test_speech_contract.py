"""What every speech recogniser promises, run over the fake and over whisper with the weights that come with pip."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from adapters.media import AvMediaReader
from adapters.whisper import WhisperRecogniser
from core.protocols import SpeechRecogniser
from core.records import Span
from core.signals import SAMPLE_RATE_HZ, FloatArray, Transcript
from tests.fakes.speech import FakeRecogniser, silence, tone

SAMPLE = Path(__file__).parents[2] / "api" / "web" / "sample" / "heron-point.mp4"
REAL = [pytest.param("base", marks=pytest.mark.models), pytest.param("tiny.en", marks=pytest.mark.models)]


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module", params=["fake", *REAL])
def recogniser(request: pytest.FixtureRequest, cache_dir: Path) -> SpeechRecogniser:
    if request.param == "fake":
        return FakeRecogniser()
    return WhisperRecogniser(request.param, cache_dir=cache_dir, threads=2)


@pytest.fixture(scope="module")
def speech(recogniser: SpeechRecogniser) -> FloatArray:
    """Four seconds of silence, two sentences with a pause between, two seconds of silence."""
    if isinstance(recogniser, FakeRecogniser):
        said = np.concatenate([tone(220, 1.5), silence(0.5), tone(330, 1.0)])
    else:
        said = AvMediaReader(max_duration_s=3600).read_audio(SAMPLE, Span(28.3, 36.9))
    return np.concatenate([silence(4.0), said, silence(2.0)])


@pytest.fixture(scope="module")
def transcript(recogniser: SpeechRecogniser, speech: FloatArray) -> Transcript:
    return recogniser.transcribe(speech)


class TestSpeechRecogniser:
    def test_has_a_name_to_cite(self, recogniser: SpeechRecogniser) -> None:
        assert recogniser.name.strip()

    @pytest.mark.parametrize("duration_s", [0.0, 0.02, 3.0])
    def test_hears_nothing_in_silence(self, recogniser: SpeechRecogniser, duration_s: float) -> None:
        assert recogniser.find_speech(silence(duration_s)) == []
        transcript = recogniser.transcribe(silence(duration_s))
        assert transcript == Transcript((), None)

    def test_finds_where_there_is_voice(self, recogniser: SpeechRecogniser, speech: FloatArray) -> None:
        voices = recogniser.find_speech(speech)
        assert voices
        assert 3.7 <= voices[0].start_s <= 4.6
        assert voices[-1].end_s <= len(speech) / SAMPLE_RATE_HZ - 1.2
        assert all(a.end_s < b.start_s for a, b in pairwise(voices))

    def test_words_lie_in_order_inside_sentence_and_samples(self, transcript: Transcript, speech: FloatArray) -> None:
        utterances = transcript.utterances
        assert len(utterances) == 2
        words = [word for utterance in utterances for word in utterance.words]
        assert all(word.start_s <= word.end_s for word in words)
        assert all(a.end_s <= b.start_s + 0.02 for a, b in pairwise(words))
        assert all(0.0 <= word.confidence <= 1.0 for word in words)
        for utterance in utterances:
            assert utterance.span.start_s == utterance.words[0].start_s
            assert utterance.span.end_s == utterance.words[-1].end_s
            assert " ".join(word.text for word in utterance.words) == utterance.text
        assert utterances[0].span.start_s > 3.5
        assert utterances[-1].span.end_s <= len(speech) / SAMPLE_RATE_HZ

    def test_terms_that_nobody_says_change_no_sentence(
        self, recogniser: SpeechRecogniser, speech: FloatArray, transcript: Transcript
    ) -> None:
        told = recogniser.transcribe(speech, terms=lambda: ("Kestrel Dam", "Marta Ohlin"))
        assert [said.text for said in told.utterances] == [said.text for said in transcript.utterances]

    def test_terms_are_not_asked_for_where_nobody_speaks(self, recogniser: SpeechRecogniser) -> None:
        recogniser.transcribe(silence(3.0), terms=lambda: pytest.fail("asked for terms"))

    def test_the_same_samples_give_the_same_words(
        self, recogniser: SpeechRecogniser, speech: FloatArray, transcript: Transcript
    ) -> None:
        assert transcript.language == "en"
        assert recogniser.transcribe(speech.copy(), language="en") == transcript
