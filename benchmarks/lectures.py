"""Reads what a generated lecture says and when, beyond what every ground truth tells.

It does not know how lectures are made, nor what is measured on them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.errors import BadInput, NotFound


def read_lecture(folder: Path) -> list[dict[str, Any]]:
    """Return the videos of a lecture's ground truth, each with its ``scenes`` and their sentences.

    Raises:
        NotFound: the folder has no ground truth, or lacks a video of it.
        BadInput: it is that of another corpus, whose sentences are not known.
    """
    path = folder / "ground_truth.json"
    remedy = "Name a folder that make_long_video.py wrote."
    if not path.is_file():
        raise NotFound(f"{folder} has no ground_truth.json", remedy=remedy)
    try:
        videos: list[dict[str, Any]] = json.loads(path.read_bytes())["videos"]
        n_scenes = [len(video["scenes"]) for video in videos]
        missing = [video["video"] for video in videos if not (folder / video["video"]).is_file()]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"{path} is not that of a generated lecture", remedy=remedy) from error
    if not n_scenes:
        raise BadInput(f"{path} lists no videos", remedy=remedy)
    if missing:
        raise NotFound(f"the clip {missing[0]} is missing from {folder}", remedy="Copy the whole folder.")
    return videos
