"""Whisper: sentences out of words, phantoms dropped, weights assembled safely, and what it hears in real footage."""

import json
import re
import shutil
import threading
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rapidfuzz.distance import Levenshtein

from adapters.media import AvMediaReader
from adapters.sentences import Take, is_loop, is_phantom, split_sentences, write_utterances
from adapters.speech_pieces import MAX_PIECE_S, plan_pieces
from adapters.whisper import WhisperRecogniser
from adapters.whisper_weights import offline_folder
from core.errors import BadInput, TryAgain
from core.records import Span, Word
from core.signals import SAMPLE_RATE_HZ, Utterance
from tests.fakes.speech import silence, tone

CORPUS = Path(__file__).parents[1].parent / "shared" / "corpus" / "dev"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the evaluation corpus is not beside the checkout")
SAMPLE = Path(__file__).parents[1] / "api" / "web" / "sample" / "heron-point.mp4"


def said(text: str, *, start_s: float = 0.0, word_s: float = 0.4, confidence: float = 0.9) -> tuple[Word, ...]:
    """Words of equal length; a number in brackets is a pause in seconds before the next word."""
    words, now_s = [], start_s
    for token in text.split():
        if pause := re.fullmatch(r"\[([\d.]+)\]", token):
            now_s += float(pause[1])
            continue
        words.append(Word(token, now_s, now_s + word_s, confidence))
        now_s += word_s
    return tuple(words)


def sentences(text: str) -> list[str]:
    return [" ".join(word.text for word in sentence) for sentence in split_sentences(said(text))]


class TestSentences:
    def test_end_at_final_punctuation(self) -> None:
        assert sentences("Which color? Black, please. Fine!") == ["Which color?", "Black, please.", "Fine!"]

    def test_do_not_end_at_abbreviations_and_decimals(self) -> None:
        assert sentences("Dr. J. Smith paid 3.5 dollars.") == ["Dr. J. Smith paid 3.5 dollars."]

    def test_end_at_a_long_pause_but_not_at_a_breath(self) -> None:
        assert sentences("we were [0.6] late [2] then it rained") == ["we were late", "then it rained"]

    def test_are_cut_at_commas_and_pauses_when_long(self) -> None:
        cut = sentences(" ".join(["word"] * 20) + " comma, " + " ".join(["more"] * 20))
        assert cut[0].endswith("comma,")
        assert len(cut) == 2

    @pytest.mark.parametrize("n_words", [31, 100, 400])
    def test_never_run_on(self, n_words: int) -> None:
        words = said(" ".join(["word"] * n_words))
        pieces = split_sentences(words)
        assert [word for piece in pieces for word in piece] == list(words)
        assert max(piece[-1].end_s - piece[0].start_s for piece in pieces) <= 12.0

    def test_of_nothing_are_none(self) -> None:
        assert split_sentences(()) == []

    def test_of_unspaced_scripts_have_no_spaces(self) -> None:
        take = Take(said("直 接 卡 住 。 再 也 不 怕"), -0.2, 0.0)
        assert [u.text for u in write_utterances(take, is_spaced=False)] == ["直接卡住。", "再也不怕"]


class TestPhantoms:
    @pytest.mark.parametrize(
        ("text", "logprob", "no_speech"),
        [
            ("Thanks for watching!", -0.8, 0.5),
            ("Thank you.", -0.3, 0.7),
            ("Untertitel der Amara.org-Community", -0.7, 0.1),
            ("Sous-titrage ST' 501", -0.2, 0.6),
            ("字幕由Amara.org社区提供", -0.3, 0.5),
            ("[Music]", -0.1, 0.0),
            ("♪ la la ♪", -0.1, 0.0),
            ("I'm sorry " * 30, -0.1, 0.1),
            ("the of a", -2.0, 0.1),
            ("a plain sentence over music", -1.0, 0.6),
        ],
    )
    def test_are_recognised(self, text: str, logprob: float, no_speech: float) -> None:
        assert is_phantom(Utterance(Span(0, 2), text, (), logprob, no_speech), logprob)

    @pytest.mark.parametrize(
        ("text", "logprob", "no_speech"),
        [
            ("Thank you.", -0.1, 0.05),
            ("Bye.", -0.1, 0.05),
            ("Thank you for the music you sent me.", -0.7, 0.1),
            ("Banana.", -0.2, 0.01),
            ("We want to be free.", -1.0, 0.1),
        ],
    )
    def test_are_not_people(self, text: str, logprob: float, no_speech: float) -> None:
        assert not is_phantom(Utterance(Span(0, 2), text, (), logprob, no_speech), logprob)

    def test_a_list_is_no_loop(self) -> None:
        assert not is_loop("Johannesburg, South Africa, Nairobi, Kenya, Accra, Ghana, New York City, Atlanta, Georgia")


class TestPieces:
    def test_fill_what_the_model_hears_at_once(self) -> None:
        speech = [Span(n * 10.0, n * 10.0 + 6.0) for n in range(12)]
        pieces = plan_pieces(speech, silence(120.0))
        assert len(pieces) == 3
        assert max(piece.duration_s for piece in pieces) <= MAX_PIECE_S

    def test_cut_endless_speech_where_it_is_quietest(self) -> None:
        sound = tone(200, 70.0)
        sound[round(25 * SAMPLE_RATE_HZ) : round(25.2 * SAMPLE_RATE_HZ)] = 0.0
        pieces = plan_pieces([Span(0, 70)], sound)
        assert pieces[0].stretches[0].end_s == pytest.approx(25.1, abs=0.1)
        assert sum(piece.duration_s for piece in pieces) == pytest.approx(70.0)

    def test_hold_all_speech_once(self) -> None:
        speech = [Span(0.1, 4.0), Span(4.5, 9.0), Span(11.0, 45.0), Span(58.0, 59.9)]
        stretches = [s for piece in plan_pieces(speech, tone(100, 60.0)) for s in piece.stretches]
        assert all(a.end_s <= b.start_s for a, b in pairwise(stretches))
        assert all(sum(s.overlap_s(voice) for s in stretches) == pytest.approx(voice.duration_s) for voice in speech)


class TestWeights:
    def test_an_unknown_model_is_refused_with_the_known_ones(self, tmp_path: Path) -> None:
        recogniser = WhisperRecogniser("enormous", cache_dir=tmp_path)
        with pytest.raises(BadInput, match=r"base or tiny\.en"):
            recogniser.transcribe(_voice())

    @pytest.mark.models
    def test_a_damaged_cache_is_mended_and_many_may_ask_at_once(self, tmp_path: Path) -> None:
        folder = offline_folder("base", tmp_path)
        (folder / "model.bin").write_bytes(b"half a file")
        threads = [threading.Thread(target=offline_folder, args=("base", tmp_path)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (folder / "model.bin").stat().st_size == 145_217_532
        assert {path.name for path in folder.iterdir()} == {
            "model.bin",
            "config.json",
            "tokenizer.json",
            "vocabulary.txt",
        }
        shutil.rmtree(tmp_path)

    def test_a_cache_that_cannot_be_written_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(TryAgain, match="KINOGRAPH_HOME"):
            offline_folder("base", tmp_path / "file" / "models")


def _voice() -> Any:
    return AvMediaReader(max_duration_s=3600).read_audio(SAMPLE, Span(28.4, 32.0))


class TestTerms:
    @pytest.mark.models
    def test_a_name_is_spelled_as_it_is_shown(self, tmp_path: Path) -> None:
        recogniser = WhisperRecogniser("base", cache_dir=tmp_path, threads=2)
        for name in ("Anna Carter", "Anna Karter"):
            [said] = recogniser.transcribe(_voice(), terms=lambda name=name: [name]).utterances
            assert said.text == f"The first woman to keep the light was {name}."

    @pytest.mark.parametrize(("without", "kept"), [("one sentence. And the other one.", True), ("one.", False)])
    def test_a_sentence_left_out_for_their_sake_is_written_after_all(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, without: str, kept: bool
    ) -> None:
        def write(
            self: WhisperRecogniser, heard: Any, sounds: Any, language: str, terms: str = "", **_: Any
        ) -> list[Take]:
            return [Take(said("a dam" if terms else without), -0.2, 0.0)]

        monkeypatch.setattr(WhisperRecogniser, "_load", lambda self: SimpleNamespace(encode=lambda features: None))
        monkeypatch.setattr(WhisperRecogniser, "_write", write)
        monkeypatch.setattr("adapters.whisper._features", lambda sounds, model: None)
        [take], _ = WhisperRecogniser(cache_dir=tmp_path)._decode([silence(10.0)], "en", lambda: "Kestrel Dam.")
        assert " ".join(word.text for word in take.words) == (without if kept else "a dam")


@pytest.mark.models
@pytest.mark.corpus
@needs_corpus
class TestRealFootage:
    @pytest.fixture(scope="class")
    def recogniser(self, tmp_path_factory: pytest.TempPathFactory) -> WhisperRecogniser:
        return WhisperRecogniser("base", cache_dir=tmp_path_factory.mktemp("models"), threads=2)

    def hear(self, recogniser: WhisperRecogniser, name: str) -> tuple[Utterance, ...]:
        reader = AvMediaReader(max_duration_s=3600)
        path = CORPUS / "videos" / name
        return recogniser.transcribe(reader.read_audio(path, Span(0, reader.probe(path).duration_s))).utterances

    @pytest.mark.parametrize("name", ["d02.mp4", "d04.mp4", "d05.mp4", "d14.webm", "d16.mp4", "d17.mp4", "d24.mp4"])
    def test_music_and_noise_say_nothing(self, recogniser: WhisperRecogniser, name: str) -> None:
        assert self.hear(recogniser, name) == ()

    @pytest.mark.parametrize(("name", "limit"), [("d07.mp4", 0.1), ("d13.mp3", 0.12), ("d19.wav", 0.12)])
    def test_few_words_are_wrong(self, recogniser: WhisperRecogniser, name: str, limit: float) -> None:
        truth = json.loads((CORPUS / "ground_truth.json").read_text())
        (video,) = (video for video in truth["videos"] if video["video"] == name)
        reference = _words(" ".join(sentence["text"] for sentence in video["transcript"]))
        heard = _words(" ".join(utterance.text for utterance in self.hear(recogniser, name)))
        assert Levenshtein.distance(reference, heard) / len(reference) <= limit

    def test_other_languages_are_told_in_english_sentence_by_sentence(self, recogniser: WhisperRecogniser) -> None:
        said = self.hear(recogniser, "d21.mp3")
        assert all(sentence.translation for sentence in said)
        (last,) = (sentence for sentence in said if "Lachen die Wahrheit" in sentence.text)
        assert {"truth", "laughter"} <= set(_words(last.translation or ""))
        assert all(sentence.translation is None for sentence in self.hear(recogniser, "d07.mp4"))

    def test_a_word_after_long_silence_has_its_second(self, recogniser: WhisperRecogniser) -> None:
        last = self.hear(recogniser, "d08.mp4")[-1]
        assert last.text == "Banana."
        assert last.span.start_s == pytest.approx(40.0, abs=0.2)


def _words(text: str) -> list[str]:
    return re.sub(r"[^\w' ]+", " ", text.lower()).split()
