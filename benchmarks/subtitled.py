"""Gives generated lectures their narration as subtitles, so that what a recogniser mishears can be told from the rest.

    python -m benchmarks.subtitled LECTURE… --out FOLDER

Writes a copy of each lecture, with its ground truth, into a folder of its name in FOLDER; needs ffmpeg. Indexed with
`kinograph eval`, the copies have the very words and times that were spoken.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from api.transcripts import write_srt
from benchmarks import terminal
from benchmarks.lectures import read_lecture
from benchmarks.terminal import run_benchmark
from core.errors import BadInput
from core.records import Span
from core.signals import SubtitleCue


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lectures", type=terminal.folder, nargs="+", help="folders with ground truth")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    videos_by_lecture = {lecture: read_lecture(lecture) for lecture in options.lectures}
    terminal.require(shutil.which("ffmpeg"), "there is no ffmpeg", remedy="Install it.")
    make_folder(options.out)
    for lecture, videos in videos_by_lecture.items():
        print(copy_with_subtitles(lecture, videos, options.out / lecture.resolve().name))


def make_folder(folder: Path) -> None:
    """Raise BadInput if there cannot be such a folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot make {folder}: {error.strerror}", remedy="Name another folder with --out.") from error


def copy_with_subtitles(lecture: Path, videos: list[dict[str, Any]], target: Path) -> Path:
    """Write the lecture's videos with their narration as subtitles, and its ground truth; return the folder."""
    truth = lecture / "ground_truth.json"
    target.mkdir(parents=True, exist_ok=True)
    for video in videos:
        cues = narration_of(video)
        if cues:
            add_subtitles(lecture / video["video"], write_srt(cues), target / video["video"])
        else:
            shutil.copy(lecture / video["video"], target)
    shutil.copy(truth, target)
    return target


def narration_of(video: dict[str, Any]) -> list[SubtitleCue]:
    """Return what is said in a video of the ground truth, in time order."""
    sentences = (item for scene in video["scenes"] for item in scene.get("sentences", ()))
    return [SubtitleCue(Span(item["start"], item["end"]), item["text"]) for item in sentences]


def add_subtitles(video: Path, srt: str, target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        subtitles = Path(scratch) / "narration.srt"
        subtitles.write_text(srt, encoding="utf-8")
        inputs = ["-i", str(video), "-i", str(subtitles), "-map", "0:v", "-map", "0:a", "-map", "1"]
        copied = ["-c", "copy", "-c:s", "mov_text", str(target)]
        subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *copied], check=True, capture_output=True)


if __name__ == "__main__":
    run_benchmark(main)
