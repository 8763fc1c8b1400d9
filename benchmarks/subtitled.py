"""Gives generated lectures their narration as subtitles, so that what a recogniser mishears can be told from the rest.

    python -m benchmarks.subtitled LECTURE… --out FOLDER

Writes a copy of each lecture, with its ground truth, into a folder of its name in FOLDER; needs ffmpeg. Indexed with
`kinograph eval`, the copies have the very words and times that were spoken.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from evaluation.public.cues import Cue, format_srt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lectures", type=Path, nargs="+", help="folders with ground truth")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for lecture in options.lectures:
        print(copy_with_subtitles(lecture, options.out / lecture.resolve().name))


def copy_with_subtitles(lecture: Path, target: Path) -> Path:
    """Write the lecture's videos with their narration as subtitles, and its ground truth; return the folder."""
    truth = lecture / "ground_truth.json"
    target.mkdir(parents=True, exist_ok=True)
    for video in json.loads(truth.read_text())["videos"]:
        cues = narration_of(video)
        if cues:
            add_subtitles(lecture / video["video"], format_srt(cues), target / video["video"])
        else:
            shutil.copy(lecture / video["video"], target)
    shutil.copy(truth, target)
    return target


def narration_of(video: dict[str, Any]) -> list[Cue]:
    """Return what is said in a video of the ground truth, in time order."""
    sentences = (item for scene in video["scenes"] for item in scene.get("sentences", ()))
    return [(item["start"], item["end"], item["text"]) for item in sentences]


def add_subtitles(video: Path, srt: str, target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        subtitles = Path(scratch) / "narration.srt"
        subtitles.write_text(srt, encoding="utf-8")
        inputs = ["-i", str(video), "-i", str(subtitles), "-map", "0:v", "-map", "0:a", "-map", "1"]
        copied = ["-c", "copy", "-c:s", "mov_text", str(target)]
        subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *copied], check=True)


if __name__ == "__main__":
    main()
