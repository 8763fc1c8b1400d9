"""Two public sets run by their command on a folder, with the real service: one of searches, one of questions.

Both use the first scenes of the bundled sample and its subtitles, so nothing is listened to and the test stays short.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest

from api.demo import sample_video

pytestmark = pytest.mark.models

STORY = json.loads(sample_video().with_suffix(".json").read_text())["videos"][0]
LENGTH_S = 15.0
ROWS = Path(__file__).parent / "public"
RUN_TIMEOUT_S = 300


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample up to LENGTH_S, copied packet by packet."""
    path = tmp_path_factory.mktemp("clip") / "heron-point.mp4"
    with av.open(str(sample_video())) as source, av.open(str(path), "w") as target:
        streams = {stream: target.add_stream_from_template(stream) for stream in source.streams.get(video=0, audio=0)}
        for packet in source.demux(list(streams)):
            if packet.dts is not None and packet.pts * packet.time_base < LENGTH_S:
                packet.stream = streams[packet.stream]
                target.mux(packet)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sets") / "home"


def run_set(name: str, folder: Path, home: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "evaluation.public", name, str(folder), "--home", str(home), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def write_subtitles(path: Path) -> None:
    lines = [line for line in STORY["transcript"] if line["end"] < LENGTH_S]
    blocks = [
        f"{number}\n{timecode(line['start'])} --> {timecode(line['end'])}\n{line['text']}\n"
        for number, line in enumerate(lines, start=1)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(blocks))


def timecode(time_s: float) -> str:
    return f"00:00:{int(time_s):02d},{round(time_s * 1000) % 1000:03d}"


def test_questions_are_indexed_asked_and_marked(clip: Path, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "video-mme"
    shutil.copytree(ROWS / "video-mme", folder)
    (folder / "data").mkdir()
    shutil.copy(clip, folder / "data")
    write_subtitles(folder / "subtitle" / "heron-point.srt")
    details = tmp_path / "details.jsonl"
    run = run_set("video-mme", folder, home, "--with-subtitles", "--details", str(details))
    assert (run["n_run"], run["n_cases"], run["missing_videos"]) == (2, 3, ["not-here"])
    assert run["not_indexed"] == {}
    assert run["subtitles"] == "the set's"
    told = [json.loads(line) for line in details.read_text().splitlines()]
    assert [case["id"] for case in told] == ["001-1", "001-2"]
    assert run["figures"]["accuracy"] == 1.0, told
    assert run["by_group"]["length"]["short"]["n"] == 2


def test_searches_run_on_the_home_that_is_filled(clip: Path, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "qvhighlights"
    folder.mkdir()
    shutil.copy(clip, folder)
    said = {"qid": 1, "query": "a stone tower warns ships", "duration": LENGTH_S, "vid": "heron-point"}
    turns = {"qid": 2, "query": "its white beam turns every twelve seconds", "duration": LENGTH_S, "vid": "heron-point"}
    lost = {"qid": 3, "query": "of a video that is not there", "duration": 60, "vid": "not-here"}
    windows = ([[5.42, 10.32]], [[10.72, 14.44]], [[1, 2]])
    rows = [{**row, "relevant_windows": spans} for row, spans in zip((said, turns, lost), windows, strict=True)]
    (folder / "highlight_val_release.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    write_subtitles(folder / "heron-point.srt")
    run = run_set("qvhighlights", folder, home, "--with-subtitles")
    assert (run["n_run"], run["n_cases"], run["missing_videos"]) == (2, 3, ["not-here"])
    assert run["figures"]["R1@0.5"] == 1.0, run
    assert run["figures"]["mAP@0.5"] == 1.0, run
