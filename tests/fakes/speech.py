"""A fake recogniser: what is louder than a whisper is voice, and each stretch of it is one word with a full stop."""

from __future__ import annotations

import numpy as np

from core.protocols import Terms
from core.records import Span, Word
from core.signals import SAMPLE_RATE_HZ, FloatArray, Transcript, Utterance

FRAME_S = 0.05
MIN_SILENCE_S = 0.3
LOUD = 0.05


class FakeRecogniser:
    """Implements ``core.protocols.SpeechRecogniser`` by loudness; a word is named after its pitch (see ``tone``)."""

    name = "fake recogniser 1"

    def find_speech(self, samples: FloatArray) -> list[Span]:
        frame = round(FRAME_S * SAMPLE_RATE_HZ)
        loud = [
            position / SAMPLE_RATE_HZ
            for position in range(0, len(samples), frame)
            if np.abs(samples[position : position + frame]).max() > LOUD
        ]
        spans: list[Span] = []
        for start_s in loud:
            end_s = min(start_s + FRAME_S, len(samples) / SAMPLE_RATE_HZ)
            if spans and start_s - spans[-1].end_s < MIN_SILENCE_S:
                spans.append(Span(spans.pop().start_s, end_s))
            else:
                spans.append(Span(start_s, end_s))
        return spans

    def transcribe(self, samples: FloatArray, *, language: str | None = None, terms: Terms = tuple) -> Transcript:
        utterances = []
        for span in self.find_speech(samples):
            sound = samples[round(span.start_s * SAMPLE_RATE_HZ) : round(span.end_s * SAMPLE_RATE_HZ)]
            text = f"hz{pitch_hz(sound)}."
            utterances.append(Utterance(span, text, (Word(text, span.start_s, span.end_s, 0.9),), -0.1, 0.05))
        return Transcript(tuple(utterances), (language or "en") if utterances else None)


def pitch_hz(sound: FloatArray) -> int:
    """Return the strongest frequency, rounded to 10 Hz."""
    strongest = int(np.argmax(np.abs(np.fft.rfft(sound))))
    return round(strongest * SAMPLE_RATE_HZ / len(sound) / 10) * 10


def tone(hz: int, duration_s: float) -> FloatArray:
    times_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (0.5 * np.sin(2 * np.pi * hz * times_s)).astype(np.float32)


def silence(duration_s: float) -> FloatArray:
    return np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)
