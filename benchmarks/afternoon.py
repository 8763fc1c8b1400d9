"""The afternoon script: what anyone could write in an afternoon with the same models, as the baseline to beat.

Windows of ten seconds, one text vector of what is said and shown in each, one mean picture vector; cosine, no server.
It knows nothing of shots, segments, words, fusion or relevance, on purpose.

    python -m benchmarks.afternoon ../shared/corpus/dev [--json] [--details FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from adapters.concepts import class_names
from adapters.torch_runtime import load_torch
from adapters.weights import model_files
from adapters.whisper_weights import offline_folder
from benchmarks import terminal
from benchmarks.terminal import run_benchmark
from core.records import Modality, Moment, Span
from evaluation.corpus import load_corpus
from evaluation.details import describe_outcomes
from evaluation.report import as_json, print_summary
from evaluation.runner import run_corpus
from evaluation.summary import summarise

WINDOW_S = 10.0
FRAME_EVERY_S = 2.0
READ_EVERY_NTH = 2
"""Reading takes five times as long as classifying; every other frame is what an afternoon's patience allows."""
N_CLASSES_KEPT = 50

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """Ten seconds of a file with its two vectors; an absent one is all zeros and never wins."""

    clip: str
    span: Span
    text: str
    text_vector: Vector
    visual_vector: Vector


class Models:
    """The same offline weights that the service uses, loaded at once."""

    def __init__(self, cache: Path) -> None:
        self.torch = load_torch()
        from efficientnet_lite_pytorch import EfficientNet
        from faster_whisper import WhisperModel
        from rapidocr import RapidOCR
        from sentence_transformers import SentenceTransformer

        self.text = SentenceTransformer(str(model_files("all-MiniLM-L6-v2")[0].locate().parent), device="cpu")
        self.whisper = WhisperModel(str(offline_folder("base", cache)), device="cpu", compute_type="int8")
        self.ocr = RapidOCR(params={"Global.log_level": "error"})
        self.classifier = EfficientNet.from_name("efficientnet-lite0").eval()
        weights = self.torch.load(model_files("efficientnet-lite0")[0].locate(), weights_only=True)
        self.classifier.load_state_dict(weights)
        self.class_vectors = self.encode([f"a photo of a {name}" for name in class_names()])

    def encode(self, texts: Sequence[str]) -> Vector:
        return np.asarray(self.text.encode(list(texts), normalize_embeddings=True), dtype=np.float32)

    def embed_picture(self, picture: NDArray[np.uint8]) -> Vector:
        """Return the ConSE vector (Norouzi et al., 2013): class vectors weighted by the softmax of the best 50."""
        pixels = (np.asarray(Image.fromarray(picture).resize((224, 224)), dtype=np.float32) - 127) / 128
        with self.torch.inference_mode():
            logits = self.classifier(self.torch.from_numpy(pixels.transpose(2, 0, 1)[None]))[0]
            shares, classes = logits.softmax(0).topk(N_CLASSES_KEPT)
        return normalise(shares.numpy() @ self.class_vectors[classes.numpy()])

    def read_lines(self, picture: NDArray[np.uint8]) -> set[str]:
        found: Any = self.ocr(picture[:, :, ::-1])
        return set(found.txts or ())


def normalise(vector: Vector) -> Vector:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)


def read_frames(path: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield (time, RGB frame) about every FRAME_EVERY_S; nothing for sound alone."""
    with av.open(str(path)) as media:
        if not media.streams.video:
            return
        next_s = 0.0
        for frame in media.decode(media.streams.video[0]):
            if frame.time is not None and frame.time >= next_s:
                yield frame.time, frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                next_s = frame.time + FRAME_EVERY_S


def hear_words(path: Path, models: Models) -> Iterator[tuple[float, str]]:
    """Yield (middle of a sentence, its text)."""
    with av.open(str(path)) as media:
        if not media.streams.audio:
            return
    for sentence in models.whisper.transcribe(str(path))[0]:
        yield (sentence.start + sentence.end) / 2, sentence.text.strip()


def index_file(path: Path, duration_s: float, models: Models) -> list[Window]:
    """Return the windows of a file."""
    n_windows = max(1, int(np.ceil(duration_s / WINDOW_S)))
    texts: list[list[str]] = [[] for _ in range(n_windows)]
    pictures: list[list[Vector]] = [[] for _ in range(n_windows)]
    shown: list[set[str]] = [set() for _ in range(n_windows)]
    for at_s, sentence in hear_words(path, models):
        texts[min(int(at_s / WINDOW_S), n_windows - 1)].append(sentence)
    for nth, (at_s, frame) in enumerate(read_frames(path)):
        number = min(int(at_s / WINDOW_S), n_windows - 1)
        pictures[number].append(models.embed_picture(frame))
        if nth % READ_EVERY_NTH == 0:
            shown[number] |= models.read_lines(frame)
    joined = [" ".join([*said, *sorted(lines)]) for said, lines in zip(texts, shown, strict=True)]
    nothing = np.zeros(models.class_vectors.shape[1], dtype=np.float32)
    text_vectors = models.encode(joined)
    return [
        Window(
            path.name,
            Span(number * WINDOW_S, min((number + 1) * WINDOW_S, max(duration_s, number * WINDOW_S + 0.1))),
            joined[number],
            text_vectors[number] if joined[number] else nothing,
            normalise(np.mean(pictures[number], axis=0)) if pictures[number] else nothing,
        )
        for number in range(n_windows)
    ]


def search_windows(windows: Sequence[Window], query: Vector, limit: int) -> list[Moment]:
    """Return the best windows by the better of two cosines."""
    text = np.stack([window.text_vector for window in windows]) @ query
    visual = np.stack([window.visual_vector for window in windows]) @ query
    scores = np.maximum(text, visual)
    return [
        Moment(
            video_id=windows[i].clip,
            video_title=windows[i].clip,
            span=windows[i].span,
            score=float(scores[i]),
            modality=Modality.SPEECH if text[i] >= visual[i] else Modality.VISUAL,
            evidence=(),
        )
        for i in np.argsort(-scores)[:limit]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=terminal.corpus_folder, help="a half of the corpus")
    parser.add_argument("--only", help="clips to use, separated by commas")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--index-only", action="store_true", help="measure indexing, ask nothing")
    parser.add_argument("--details", type=terminal.output, help="write one JSON line a query to this file")
    arguments = parser.parse_args()
    corpus = load_corpus(arguments.folder)
    corpus = corpus.only(arguments.only.split(",")) if arguments.only else corpus
    started_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as cache:
        models = Models(Path(cache))
        loaded_s = time.perf_counter() - started_s
        clips = track(corpus.clips, "Indexing", console=Console(stderr=True))
        windows = [window for clip in clips for window in index_file(clip.path, clip.duration_s, models)]
    took_s = time.perf_counter() - started_s
    media_s = sum(clip.duration_s for clip in corpus.clips)
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    facts: dict[str, Any] = {"took_s": took_s, "load_s": loaded_s, "media_s": media_s, "peak_bytes": peak_bytes}
    facts["realtime_factor"] = media_s / took_s
    if arguments.index_only:
        sys.stdout.write(json.dumps(facts) + "\n")
        return
    clip_by_id = {clip.name: clip.name for clip in corpus.clips}
    outcomes = run_corpus(corpus, lambda q, n: search_windows(windows, models.encode([q])[0], n), None, clip_by_id)
    if arguments.details:
        arguments.details.write_text("".join(f"{line}\n" for line in describe_outcomes(outcomes, clip_by_id)))
    if arguments.json:
        sys.stdout.write(as_json(summarise(outcomes), facts) + "\n")
        return
    print_summary(summarise(outcomes), Console())
    print(f"Indexed {media_s:.0f} s in {took_s:.0f} s = {facts['realtime_factor']:.1f}×, {peak_bytes / 2**20:.0f} MiB")


if __name__ == "__main__":
    run_benchmark(main)
