"""Speech recognition with faster-whisper: voice activity by silero, then all pieces of speech decoded in one batch.

It does not know videos or parts: samples in, sentences with word times out.

Speech is cut at silences into pieces of at most MAX_PIECE_S and decoded *without* timestamp tokens; times come from
the word alignment alone. Measured on real clips with the base model: 0.075 instead of 0.148 of real time, and better
words ("Hey, how are you?" instead of "Come on"), since a small model no longer spends itself on timestamps.
The language is read off the encoding that is decoded anyway; ``detect_language`` would encode it a second time.
What is not English is then translated sentence by sentence, so that each translation has the seconds of its sentence;
that takes as long again (dev: 0.9 of the transcription), and only where it is needed.
Terms stand before the words as what was said before: of names that a slide shows, `base` spells .93 instead of .41 as
the slide does, and of all words .20 instead of .26 are wrong (`python -m benchmarks.hearing`; a tenth more CPU). Too
many, or one inside another ("Inspector Ash, Ash"), and it leaves out whole sentences; without a full stop after them it
writes none itself.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from adapters.sentences import Take, is_loop, write_utterances
from adapters.speech_pieces import Piece, plan_pieces, snap_to_speech
from adapters.whisper_weights import OFFLINE_MODELS, offline_folder
from core.errors import BadInput, TryAgain
from core.protocols import Terms
from core.records import Span, Word
from core.signals import SAMPLE_RATE_HZ, FloatArray, Transcript, Utterance

VAD_THRESHOLD = 0.35
"""Probability at which silero's verdict counts as voice. 0.5 loses a name called at the start of a film scene."""
MIN_SPEECH_MS, MIN_SILENCE_MS = 150, 300
BATCH_SIZE = 4
BEAM_SIZE = 5
MAX_TOKENS_PER_S, MIN_TOKENS = 14, 24
"""Beyond this nobody speaks; a decoder caught in a loop would otherwise write 448 tokens for one second."""
OPENING_MARKS, CLOSING_MARKS = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the word after it, and to the word before it."""
PUNCTUATED = {"zh": " 你好，这是普通话。请说，谢谢。"}
"""What the decoder is told was said before. Without it `base` writes Chinese without punctuation, in mixed scripts."""
_UNTRANSLATING = ("turbo", "distil", ".en")
"""Parts of the names of models that were not trained to translate; they would write the language they hear."""
SCANT_CHARS_PER_S = 11.0
MIN_MORE = 1.1
"""With terms in mind the decoder may leave out a sentence. Where it wrote less than this (lectures have 13 characters a
second), it writes again without them, and that counts if this much more is left of it."""
MIN_TRANSLATION_LOGPROB = -1.6
"""Mean per token under which a translation is a guess; on dev all but one of 42 lie above."""
_UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "my", "km", "bo"})


class WhisperRecogniser:
    """``core.protocols.SpeechRecogniser`` on faster-whisper (CTranslate2).

    ``model``: ``base`` (99 languages) and ``tiny.en`` come from pip packages, every other name that faster-whisper
    knows (``large-v3-turbo``, or ``owner/name``) from the hub. ``cache_dir`` receives the assembled ``base`` (145 MB).
    Decoding never samples, so the same samples give the same words. Calls from several threads are safe.
    """

    def __init__(self, model: str = "base", *, cache_dir: Path, threads: int = 0) -> None:
        # Rounded to int8 the small models write other words on other processors, and worse ones (8 % faster on dev).
        self._precision = "float32" if model in OFFLINE_MODELS else "int8"
        self.name = f"faster-whisper {model} {self._precision} with terms"
        self._model_name = model
        self._cache_dir = cache_dir
        self._threads = threads
        self._model: Any = None
        self._lock = threading.Lock()

    def find_speech(self, samples: FloatArray) -> list[Span]:
        """Return stretches with voice, ascending and disjoint, without padding; pauses under 0.3 s do not end one."""
        if not len(samples):
            return []
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        options = VadOptions(
            threshold=VAD_THRESHOLD,
            min_speech_duration_ms=MIN_SPEECH_MS,
            min_silence_duration_ms=MIN_SILENCE_MS,
            speech_pad_ms=0,
        )
        found = get_speech_timestamps(np.ascontiguousarray(samples, np.float32), options)
        return [Span(f["start"] / SAMPLE_RATE_HZ, f["end"] / SAMPLE_RATE_HZ) for f in found if f["end"] > f["start"]]

    def transcribe(self, samples: FloatArray, *, language: str | None = None, terms: Terms = tuple) -> Transcript:
        """Return sentences with word times; empty for silence. ``language`` None means: detect it."""
        speech = self.find_speech(samples)
        if not speech:
            return Transcript((), None)
        pieces = plan_pieces(speech, samples)
        if language not in self._load().supported_languages:
            language = None
        expected = cache(lambda: f"{', '.join(found)}." if (found := terms()) else "")
        utterances: list[Utterance] = []
        for first in range(0, len(pieces), BATCH_SIZE):
            batch = pieces[first : first + BATCH_SIZE]
            sounds = [piece.cut_from(samples) for piece in batch]
            takes, language = self._decode(sounds, language, expected)
            for piece, take in zip(batch, takes, strict=True):
                utterances += write_utterances(_place(take, piece, speech), is_spaced=language not in _UNSPACED)
        if not utterances:
            return Transcript((), None)
        return Transcript(tuple(self._translate(utterances, samples, language)), language)

    def _translate(
        self, utterances: Sequence[Utterance], samples: FloatArray, language: str | None
    ) -> Sequence[Utterance]:
        """Return the utterances with what they say in English, each translated from its own sound."""
        model = self._load()
        if language in (None, "en") or any(part in self._model_name for part in _UNTRANSLATING):
            return utterances
        translated: list[Utterance] = []
        for first in range(0, len(utterances), BATCH_SIZE):
            batch = utterances[first : first + BATCH_SIZE]
            sounds = [_cut(samples, said.span) for said in batch]
            results, tokenizer = self._generate(model.encode(_features(sounds, model)), sounds, language, "translate")
            for said, result in zip(batch, results, strict=True):
                text = tokenizer.decode(result.sequences_ids[0]).strip()
                is_sure = result.scores[0] >= MIN_TRANSLATION_LOGPROB and not is_loop(text)
                translated.append(replace(said, translation=text if text and is_sure else None))
        return translated

    def _decode(
        self, sounds: Sequence[FloatArray], language: str | None, expected: Callable[[], str]
    ) -> tuple[list[Take], str]:
        """Return one take a sound, in order, words with the times of their sound; and the language.

        Terms are ``expected`` only once these are encoded, which is half of the work and needs none; and only in
        English, the language of those who find names.
        """
        model = self._load()
        heard = model.encode(_features(sounds, model))
        if language is None:
            language = _detect_language(heard, sounds, model)
        terms = expected() if language == "en" else ""
        takes = self._write(heard, sounds, language, terms)
        for position, take in enumerate(takes):
            text, sound = _text(take), sounds[position]
            is_caught = is_loop(text) or _echoes(text, terms)
            is_scant = bool(terms) and len(text) < SCANT_CHARS_PER_S * len(sound) / SAMPLE_RATE_HZ
            if is_caught or is_scant:
                again = model.encode(_features([sound], model))
                (plain,) = self._write(again, [sound], language, no_repeat_ngram_size=3 * is_caught)
                if is_caught or _n_chars_told(plain) > MIN_MORE * _n_chars_told(take):
                    takes[position] = plain
        return takes, language

    def _write(
        self, heard: Any, sounds: Sequence[FloatArray], language: str, terms: str = "", *, no_repeat_ngram_size: int = 0
    ) -> list[Take]:
        """Return the takes of encoded sounds. It follows faster-whisper's batched pipeline (1.2), less timestamps."""
        model = self._load()
        results, tokenizer = self._generate(
            heard, sounds, language, "transcribe", terms, no_repeat_ngram_size=no_repeat_ngram_size
        )
        durations_s = [len(sound) / SAMPLE_RATE_HZ for sound in sounds]
        segments = [
            [{"tokens": result.sequences_ids[0], "start": 0.0, "end": duration_s, "seek": 0}]
            for result, duration_s in zip(results, durations_s, strict=True)
        ]
        n_frames = [math.ceil(duration_s) * model.frames_per_second for duration_s in durations_s]
        model.add_word_timestamps(segments, tokenizer, heard, n_frames, OPENING_MARKS, CLOSING_MARKS, 0.0)
        return [_take(result, segment[0]["words"]) for result, segment in zip(results, segments, strict=True)]

    def _generate(
        self,
        heard: Any,
        sounds: Sequence[FloatArray],
        language: str | None,
        task: str,
        terms: str = "",
        *,
        no_repeat_ngram_size: int = 0,
    ) -> tuple[Any, Any]:
        """Return what the decoder wrote for each encoded sound, and the tokenizer that reads it."""
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        model = self._load()
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task=task, language=language)
        opening = PUNCTUATED.get(language or "") if task == "transcribe" else None
        before = tokenizer.encode(opening) if opening else []
        prompt = model.get_prompt(tokenizer, before, without_timestamps=True, hotwords=terms or None)
        longest_s = max(len(sound) for sound in sounds) / SAMPLE_RATE_HZ
        results = model.model.generate(
            heard,
            [prompt] * len(sounds),
            beam_size=BEAM_SIZE,
            max_length=min(model.max_length, len(prompt) + MIN_TOKENS + round(MAX_TOKENS_PER_S * longest_s)),
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            no_repeat_ngram_size=no_repeat_ngram_size,
            return_scores=True,
            return_no_speech_prob=True,
        )
        return results, tokenizer

    def _load(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = self._open_model()
            return self._model

    def _open_model(self) -> Any:
        from faster_whisper import WhisperModel

        if self._model_name in OFFLINE_MODELS:
            folder = str(offline_folder(self._model_name, self._cache_dir))
            return WhisperModel(folder, device="cpu", compute_type=self._precision, cpu_threads=self._threads)
        try:
            return WhisperModel(
                self._model_name, device="auto", compute_type=self._precision, cpu_threads=self._threads
            )
        except ValueError as error:
            raise BadInput(
                f"the speech model {self._model_name!r} cannot be loaded: {error}",
                remedy=f"Set KINOGRAPH_SPEECH_MODEL to {' or '.join(OFFLINE_MODELS)}, or to a model of faster-whisper.",
            ) from error
        except OSError as error:
            raise TryAgain(
                f"the speech model {self._model_name!r} cannot be fetched from the hub: {error}",
                remedy=f"Check the network, or set KINOGRAPH_SPEECH_MODEL to {' or '.join(OFFLINE_MODELS)}.",
            ) from error


def _cut(samples: FloatArray, span: Span) -> FloatArray:
    return samples[round(span.start_s * SAMPLE_RATE_HZ) : round(span.end_s * SAMPLE_RATE_HZ)]


def _features(sounds: Sequence[FloatArray], model: Any) -> FloatArray:
    """Return the log-mel spectrograms the encoder takes, padded to 30 s each."""
    from faster_whisper.audio import pad_or_trim

    return np.stack([pad_or_trim(model.feature_extractor(sound)[..., :-1]) for sound in sounds])


def _detect_language(heard: Any, sounds: Sequence[FloatArray], model: Any) -> str:
    """Return the likeliest language of all sounds together, longer ones counting more."""
    if not model.model.is_multilingual:
        return "en"
    votes: dict[str, float] = {}
    for sound, probabilities in zip(sounds, model.model.detect_language(heard), strict=True):
        for token, probability in probabilities:
            votes[token[2:-2]] = votes.get(token[2:-2], 0.0) + probability * len(sound)
    return max(votes, key=lambda code: votes[code])


def _text(take: Take) -> str:
    return "".join(word.text for word in take.words).strip()


def _n_chars_told(take: Take) -> int:
    """Return how much is left of a take without loops and phantoms."""
    return 0 if is_loop(_text(take)) else sum(len(said.text) for said in write_utterances(take, is_spaced=True))


def _echoes(text: str, terms: str) -> bool:
    """Whether a text says nothing but the terms, as a decoder does over noise.

    >>> _echoes("Kestrel Dam.", "Marta Ohlin, Kestrel Dam."), _echoes("The Kestrel Dam.", "Kestrel Dam.")
    (True, False)
    """
    words = set(re.findall(r"\w+", text.casefold()))
    return bool(words) and words <= set(re.findall(r"\w+", terms.casefold()))


def _take(result: Any, words: Sequence[Any]) -> Take:
    n_tokens = len(result.sequences_ids[0])
    return Take(
        tuple(Word(w["word"], float(w["start"]), float(w["end"]), float(w["probability"])) for w in words),
        mean_logprob=result.scores[0] * n_tokens / (n_tokens + 1),
        no_speech=result.no_speech_prob,
    )


def _place(take: Take, piece: Piece, speech: Sequence[Span]) -> Take:
    """Return the take with words whose times are those of the samples."""
    placed = [Word(w.text, *piece.place(w.start_s, w.end_s), w.confidence) for w in take.words]
    return Take(tuple(snap_to_speech(placed, speech)), take.mean_logprob, take.no_speech)
