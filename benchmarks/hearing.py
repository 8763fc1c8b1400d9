"""How well speech is recognised with and without the names on screen in mind, on generated lectures.

    python -m benchmarks.hearing HOME LECTURE… [--every 4]

HOME is a home in which `kinograph eval --home` indexed the lectures: what the screen shows is taken from there. Prints
for each way the share of words that are wrong, of names that are heard (all, and those that a slide of the same part
shows), and the CPU seconds. Every fourth part is heard.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from adapters import build
from benchmarks import terminal
from benchmarks.lectures import read_lecture
from benchmarks.terminal import run_benchmark
from core.errors import NotFound
from core.protocols import SpeechRecogniser
from core.records import Modality, Span
from core.settings import Settings
from core.signals import FloatArray
from evaluation.library import list_videos
from indexer.terms import find_terms

MARGIN_S = 0.3
"""Heard before the first and after the last sentence of a part."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The sentences that lie whole in a part, and the texts that it shows."""

    samples: FloatArray
    said: str
    shown: str
    terms: Sequence[str]


@dataclass(slots=True)
class Tally:
    """Counts over parts; names are told by their capitals."""

    n_words: int = 0
    n_wrong: int = 0
    names: list[bool] = field(default_factory=list)
    shown_names: list[bool] = field(default_factory=list)
    cpu_s: float = 0.0

    def add(self, spoken: Spoken, heard: str, cpu_s: float) -> None:
        reference, found = words(spoken.said), words(heard)
        self.n_words += len(reference)
        self.n_wrong += Levenshtein.distance(reference, found)
        names = {name.casefold() for name in re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", spoken.said)}
        self.names += [name in found for name in sorted(names)]
        self.shown_names += [name in found for name in sorted(names & set(words(spoken.shown)))]
        self.cpu_s += cpu_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("lectures", type=terminal.folder, nargs="+", help="folders with ground truth")
    parser.add_argument("--every", type=terminal.positive, default=4)
    options = parser.parse_args()
    settings = terminal.settings_of(options.home)
    recogniser = build.build_speech_recogniser(settings)
    tallies = {"without": Tally(), "with the names on screen": Tally()}
    parts = list(spoken_parts(settings, options.lectures, options.every))
    terminal.require(parts, "no part of these lectures has whole English sentences", remedy="Name longer lectures.")
    hear(recogniser, parts[0].samples, ())  # loads the model
    for spoken in parts:
        for tally, terms in zip(tallies.values(), ((), spoken.terms), strict=True):
            tally.add(spoken, *hear(recogniser, spoken.samples, terms))
    print(f"{'':26}words wrong   names heard   of those shown   cpu s")
    for name, tally in tallies.items():
        print(f"{name:26}{tally.n_wrong / tally.n_words:11.3f}{np.mean(tally.names):14.3f}"
              f"{np.mean(tally.shown_names):12.3f} of {len(tally.shown_names)}{tally.cpu_s:8.0f}")  # fmt: skip


def spoken_parts(settings: Settings, lectures: Sequence[Path], every: int) -> Iterator[Spoken]:
    """Yield every so many parts of the lectures that have sentences."""
    catalogue, reader = build.build_catalogue(settings), build.build_reader(settings)
    recogniser = build.build_entity_recogniser()
    id_by_filename = {video.filename: video.id for video in list_videos(catalogue)}
    for folder in lectures:
        [video] = read_lecture(folder)
        if video["video"] not in id_by_filename:
            raise NotFound(
                f"{settings.home} does not hold {video['video']}", remedy=f"Run `kinograph eval {folder} --home HOME`."
            )
        for start_s in np.arange(settings.part_s, video["duration"] - settings.part_s, every * settings.part_s):
            part = Span(float(start_s), float(start_s) + settings.part_s)
            sentences = [
                item for item in sentences_of(video) if part.start_s <= item["start"] < item["end"] <= part.end_s
            ]
            if not sentences:
                continue
            span = Span(max(0.0, sentences[0]["start"] - MARGIN_S), sentences[-1]["end"] + MARGIN_S)
            shown = catalogue.list_evidence(id_by_filename[video["video"]], span=part, modality=Modality.SCREEN)
            yield Spoken(
                reader.read_audio(folder / video["video"], span),
                " ".join(item["text"] for item in sentences),
                " ".join(item.text for item in shown),
                find_terms(shown, recogniser),
            )
    catalogue.close()


def sentences_of(video: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sentences of English scenes, in time order."""
    return [item for scene in video["scenes"] if scene.get("language") == "en" for item in scene.get("sentences", ())]


def hear(recogniser: SpeechRecogniser, samples: FloatArray, terms: Sequence[str]) -> tuple[str, float]:
    """Return the words, and the CPU seconds that they took."""
    started_s = time.process_time()
    transcript = recogniser.transcribe(samples, language="en", terms=lambda: terms)
    return " ".join(said.text for said in transcript.utterances), time.process_time() - started_s


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.casefold())


if __name__ == "__main__":
    run_benchmark(main)
