"""Makes the sample video ``api/web/sample/heron-point.mp4``, a short film about a lighthouse, and its ground truth.

Needs ffmpeg, espeak-ng and scikit-image (for four free photographs); the service and its tests need only the result:

    python scripts/make_sample_video.py [--out FOLDER]

Times in the ground truth come from the sample counts of the spoken sentences and from frame numbers, never from a
recogniser. It does not know Kinograph: the film must be fair to any system.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sample_pictures as pictures
from numpy.typing import NDArray
from PIL import Image
from sample_story import DEMO, MOMENTS, NEGATIVES, QUESTIONS, Scene, Sentence, write_story

FRAMES_PER_S = 25
SAMPLE_RATE_HZ = 22050
SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // FRAMES_PER_S
GAP_S = 0.4
"""Silence between two sentences of a scene."""
FILE_NAME = "heron-point.mp4"

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Shot:
    """A scene with its place in the film: frames ``[first, last)`` and the start of each sentence since ``first``."""

    scene: Scene
    first: int
    last: int
    voices: tuple[Samples, ...]
    starts_s: tuple[float, ...]
    draw: pictures.Draw


# ---------------------------------------------------------------- sound


def speak(sentence: Sentence, folder: Path) -> Samples:
    """Return the sentence as mono samples in [-1, 1], silence trimmed from both ends."""
    path = folder / "sentence.wav"
    command = ["espeak-ng", "-v", sentence.voice, "-s", "150", "-g", "2", "-w", str(path), sentence.text]
    subprocess.run(command, check=True)
    with wave.open(str(path)) as file:
        if file.getframerate() != SAMPLE_RATE_HZ:
            raise SystemExit(f"espeak-ng gave {file.getframerate()} Hz instead of {SAMPLE_RATE_HZ}")
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return np.asarray(samples[loud[0] : loud[-1] + 1], dtype=np.float64)


def play_music(duration_s: float) -> Samples:
    """Return a slow chord bed of sines, faded in and out; nobody speaks or sings in it."""
    chords = ((220.0, 277.18, 329.63), (185.0, 220.0, 277.18), (146.83, 220.0, 293.66), (164.81, 246.94, 329.63))
    time_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    sound = np.zeros_like(time_s)
    length_s = duration_s / len(chords)
    for number, chord in enumerate(chords):
        since_s = time_s - number * length_s
        envelope = np.clip(since_s / 0.8 + 0.3, 0, 1) * np.clip((length_s + 0.5 - since_s) / 0.8, 0, 1)
        for pitch_hz in chord:
            partials = np.sin(math.tau * pitch_hz * time_s) + 0.3 * np.sin(math.tau * 2 * pitch_hz * time_s)
            sound += 0.025 * envelope * partials * (1 + 0.2 * np.sin(math.tau * 4.5 * time_s))
        pluck_hz = chord[number % 3] * 4
        sound += 0.03 * np.sin(math.tau * pluck_hz * time_s) * np.exp(-np.clip(since_s, 0, None) * 3) * (since_s >= 0)
    return np.asarray(sound * np.clip(time_s / 1.5, 0, 1) * np.clip((duration_s - time_s) / 1.5, 0, 1))


def mix_sound(shots: Sequence[Shot]) -> Samples:
    """Return the whole sound track: voices where they stand, music where nobody speaks."""
    track = np.zeros(shots[-1].last * SAMPLES_PER_FRAME)
    for shot in shots:
        first = shot.first * SAMPLES_PER_FRAME
        if not shot.voices:
            music = play_music((shot.last - shot.first) / FRAMES_PER_S)
            track[first : first + music.size] += music
        for start_s, voice in zip(shot.starts_s, shot.voices, strict=True):
            at = first + round(start_s * SAMPLE_RATE_HZ)
            track[at : at + voice.size] += 0.8 * voice
    return track


# ---------------------------------------------------------------- film


def plan_shots(scenes: Sequence[Scene]) -> list[Shot]:
    """Return the scenes laid out in time, each a whole number of frames; a dissolve overlaps the scene before it."""
    shots: list[Shot] = []
    with tempfile.TemporaryDirectory() as folder:
        for scene in scenes:
            voices = tuple(speak(sentence, Path(folder)) for sentence in scene.sentences)
            starts_s: list[float] = []
            at_s = scene.lead_s
            for voice in voices:
                starts_s.append(at_s)
                at_s += voice.size / SAMPLE_RATE_HZ + GAP_S
            length_s = at_s - (GAP_S if voices else 0.0) + scene.tail_s
            first = shots[-1].last - round(scene.dissolve_s * FRAMES_PER_S) if shots else 0
            last = first + math.ceil(length_s * FRAMES_PER_S)
            shots.append(Shot(scene, first, last, voices, tuple(starts_s), scene.paint(starts_s)))
    return shots


def draw_frames(shots: Sequence[Shot]) -> Iterator[Image.Image]:
    """Yield every frame of the film in order."""

    def draw(shot: Shot, frame: int) -> Image.Image:
        return shot.draw((frame - shot.first) / FRAMES_PER_S, (shot.last - shot.first) / FRAMES_PER_S)

    for number in range(shots[-1].last):
        now = [shot for shot in shots if shot.first <= number < shot.last]
        picture = draw(now[0], number)
        if len(now) == 2:
            share = (number - now[1].first + 1) / (now[0].last - now[1].first + 1)
            picture = Image.blend(picture, draw(now[1], number), share)
        yield picture


def encode_film(shots: Sequence[Shot], path: Path) -> None:
    """Write the film as H.264 and AAC, playable while it loads; one ffmpeg build always gives the same bytes."""
    track = (mix_sound(shots).clip(-1, 1) * 32767).astype("<i2")
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.wav"
        with wave.open(str(sound), "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
            file.writeframes(track.tobytes())
        size = f"{pictures.WIDTH_PX}x{pictures.HEIGHT_PX}"
        command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size]
        command += ["-r", str(FRAMES_PER_S), "-i", "-", "-i", str(sound), "-map_metadata", "-1"]
        command += [
            "-c:v",
            "libx264",
            "-preset",
            "slow",
            "-crf",
            "30",
            "-tune",
            "animation",
            "-pix_fmt",
            "yuv420p",
            "-g",
            "75",
            "-threads",
            "1",
        ]
        command += [
            "-c:a",
            "aac",
            "-threads",
            "1",
            "-b:a",
            "64k",
            "-ar",
            "44100",
            "-fflags",
            "+bitexact",
            "-flags",
            "+bitexact",
        ]
        command += ["-movflags", "+faststart", str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
            assert encoder.stdin is not None
            for picture in draw_frames(shots):
                encoder.stdin.write(picture.tobytes())
            encoder.stdin.close()
        if encoder.returncode:
            raise SystemExit(f"ffmpeg failed with exit status {encoder.returncode}")


# ---------------------------------------------------------------- ground truth


def locate(shots: Sequence[Shot], place: str) -> list[float]:
    """Return [start, end] in seconds of ``scene:KEY``, ``say:KEY`` (a sentence) or ``show:KEY`` (its bullet)."""
    kind, key = place.split(":")
    for shot in shots:
        start_s, end_s = shot.first / FRAMES_PER_S, shot.last / FRAMES_PER_S
        if kind == "scene" and shot.scene.key == key:
            return [round(start_s, 2), round(end_s, 2)]
        for sentence, at_s, voice in zip(shot.scene.sentences, shot.starts_s, shot.voices, strict=True):
            if sentence.key == key and kind == "say":
                return [round(start_s + at_s, 2), round(start_s + at_s + voice.size / SAMPLE_RATE_HZ, 2)]
            if sentence.key == key and kind == "show":
                return [round(start_s + at_s, 2), round(end_s, 2)]
    raise KeyError(place)


def write_truth(shots: Sequence[Shot], video: Path) -> dict[str, Any]:
    """Return the ground truth in the layout of the evaluation corpus, with ``demo`` and ``shots`` added."""
    moments = []
    for query, place, modality, style in MOMENTS:
        start, end = locate(shots, place)
        moments.append({"query": query, "start": start, "end": end, "modality": modality, "style": style})
    questions = [
        {
            "question": question,
            "answer": answer,
            "evidence": [locate(shots, place) for place in places],
            "type": kind,
            "scope": "library",
        }
        for question, answer, places, kind in QUESTIONS
    ]
    said = [
        (locate(shots, f"say:{sentence.key}"), sentence.text) for shot in shots for sentence in shot.scene.sentences
    ]
    entry = {
        "video": video.name,
        "title": "The Light at Heron Point",
        "media": {"duration": shots[-1].last / FRAMES_PER_S, "width": pictures.WIDTH_PX, "height": pictures.HEIGHT_PX},
        "sha256": hashlib.sha256(video.read_bytes()).hexdigest(),
        "speech": ["en"],
        "shots": [describe_shot(shot) for shot in shots],
        "transcript": [{"start": span[0], "end": span[1], "text": text} for span, text in said],
        "moments": moments,
        "questions": questions,
    }
    negatives = [{"query": query} for query in NEGATIVES]
    return {
        "format": 1,
        "half": "sample",
        "demo": DEMO,
        "videos": [entry],
        "cross_video_questions": [],
        "negatives": negatives,
    }


def describe_shot(shot: Shot) -> dict[str, Any]:
    """Return start, end and how the shot begins; the cut of a dissolve is its middle."""
    start_s, dissolve_s = shot.first / FRAMES_PER_S, shot.scene.dissolve_s
    facts: dict[str, Any] = {"name": shot.scene.key, "start": start_s, "end": shot.last / FRAMES_PER_S}
    if dissolve_s:
        return facts | {
            "transition": "dissolve",
            "transition_end": start_s + dissolve_s,
            "cut": start_s + dissolve_s / 2,
        }
    return facts | {"transition": "cut" if shot.first else "start", "cut": start_s}


def main() -> None:
    default = Path(__file__).resolve().parents[1] / "api" / "web" / "sample"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=default, help="folder to write to (default: %(default)s)")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    shots = plan_shots(write_story())
    video = folder / FILE_NAME
    encode_film(shots, video)
    truth = write_truth(shots, video)
    video.with_suffix(".json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    print(f"{video}: {shots[-1].last / FRAMES_PER_S:.1f} s, {video.stat().st_size / 2**20:.2f} MiB, {len(shots)} shots")


if __name__ == "__main__":
    main()
