"""Public sets run on folders with the real service: two by their command, the others over one service that all share.

They use the first scenes of the bundled sample and its subtitles, so nothing is listened to and the tests stay short.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import pytest

from api.demo import sample_video
from api.transcripts import write_srt
from core.records import Span
from core.settings import Settings
from core.signals import SubtitleCue
from evaluation.corpus import Clip
from evaluation.public.__main__ import Wishes, run_set
from evaluation.public.cues import read_cues
from evaluation.public.records import Task
from evaluation.public.sets import SETS
from evaluation.public.summary import as_json
from evaluation.service import Service, index_clips, run_service
from tests.clips import plain, write_video
from tests.fakes.openai_server import running_openai_server

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


def run_command(name: str, folder: Path, home: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "evaluation.public", name, str(folder), "--home", str(home), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def write_subtitles(path: Path) -> None:
    lines = [line for line in STORY["transcript"] if line["end"] < LENGTH_S]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(write_srt(SubtitleCue(Span(line["start"], line["end"]), line["text"]) for line in lines))


def test_questions_are_indexed_asked_and_marked(clip: Path, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "video-mme"
    shutil.copytree(ROWS / "video-mme", folder)
    (folder / "data").mkdir()
    shutil.copy(clip, folder / "data")
    write_subtitles(folder / "subtitle" / "heron-point.srt")
    details = tmp_path / "details.jsonl"
    run = run_command("video-mme", folder, home, "--with-subtitles", "--details", str(details))
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
    run = run_command("qvhighlights", folder, home, "--with-subtitles")
    assert (run["n_run"], run["n_cases"], run["missing_videos"]) == (2, 3, ["not-here"])
    assert run["figures"]["R1@0.5"] == 1.0, run
    assert run["figures"]["mAP@0.5"] == 1.0, run


# The other sets, each in its published format: their sample rows, put in the words of the film, over one service.


@dataclass(frozen=True)
class Case:
    """A set: the videos that its folder holds, what its rows say instead, and what must come out.

    ``videos`` are "heron" (the sample, with its subtitles) or "blue" (of which a boat is told) by the name that the set
    gives them. ``n_run`` of its cases can be run; the first question is about what is told, and answered right.
    """

    videos: dict[str, str]
    n_run: int
    figures: dict[str, float]
    swaps: dict[str, str] = field(default_factory=dict)
    with_subtitles: bool = False


TOWER = "a stone tower warns ships"
CASES = {
    "multivent-2": Case({"quay-1": "heron", "quay-2": "blue"}, 2, {"R@10": 1.0, "nDCG@10": 1.0}, {
        "a fire in the harbour, seen at night": TOWER,
        'people say ""run"" near the quay': 'a blue picture, nobody says ""run""',
    }),
    "msr-vtt": Case({"video9001": "heron", "video9002": "blue"}, 2, {"R@1": 1.0, "MdR": 1.0}, {
        "a potter shapes a bowl": TOWER, "two dogs, one brown, run on a beach": "blue",
    }),
    "charades-sta": Case({"AB1CD": "heron"}, 2, {"R1@0.5": 0.5}, {
        "a person sits down on the stairs.": TOWER,
    }),
    "tvr": Case(
        {"show_s01e01_seg01_clip_00": "heron", "show_s01e01_seg01_clip_01": "blue"}, 2,
        {"R@1 IoU 0.7": 0.5, "video R@10": 1.0},
        {"[10.0, 20.0]": "[10.7, 14.5]", "Mara hides the letter in a drawer.": "its white beam turns"},
    ),
    "longvideobench": Case({"harbour": "blue"}, 1, {"accuracy": 1.0, "n failed": 0}, with_subtitles=True),
    "lvbench": Case({"harbour": "heron"}, 2, {"recall of places@5": 0.5, "n failed": 0}, {
        "What burns in the night?": "What stands on the windy coast?", "(A) A ship": "(A) A stone tower",
        "00:15-00:19": "00:05-00:10",
    }),
    "mlvu": Case({"plot_1": "heron", "plot_2": "blue"}, 3, {"n judge errors": 0, "n failed": 0}, {
        "What colour is the boat?": "What stands on the windy coast?", '"Red"': '"A stone tower"',
        "Summarise this video.": "What warns ships on the coast?",
    }),
    "egoschema": Case({"aaaa-1111": "heron"}, 1, {"accuracy": 1.0}, {
        "What is C mainly doing?": "What stands on the windy coast?", "C is mending a net.": "A stone tower.",
    }),
    "videoeval-pro": Case({"harbour": "heron"}, 1, {"accuracy": 1.0, "n judge errors": 0}, {
        "What burns in the night?": "What stands on the windy coast?", "A ship": "A stone tower",
    }),
    "ava-100": Case({"ego1": "heron"}, 2, {"recall of places@5": 0.5, "n failed": 0}, {
        "What follows the lighting of the stove?": "What stands on the windy coast?", "Tea is made": "A stone tower",
        "36:00-36:40": "0:05-0:10",
    }),
    "mme-videoocr": Case({"sign-1": "heron", "sign-2": "heron"}, 4, {"n judge errors": 0, "n failed": 0}, {
        "What does the sign over the door read?": "What stands on the windy coast?", "Open; Daily’s": "Stone; tower",
    }),
}  # fmt: skip
assert {*CASES, "video-mme", "qvhighlights"} == {*SETS}


def answer_and_judge(request: dict[str, Any]) -> str:
    """Say what the film says of the coast, or of the boat; find every answer to be right."""
    prompt = json.dumps(request["messages"])
    asked_for = json.dumps(request["response_format"])
    if "verdict" in asked_for:
        return json.dumps({"verdict": "correct"})
    if "is_answered" not in asked_for:
        return json.dumps({"accuracy": 4, "relevance": 5, "completeness": 3, "reliability": 5})
    is_blue = "blue boat" in prompt
    said = "The blue one, the blue boat, leaves the harbour" if is_blue else "A stone tower warns ships"
    return json.dumps({"is_answered": True, "answer": f"{said} [1]."})


@pytest.fixture(scope="module")
def clips(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The two videos that all sets share, so that each is indexed once; no set gives its own such a name."""
    blue = tmp_path_factory.mktemp("blue") / "blue.mp4"
    return {"heron": clip, "blue": write_video(blue, [plain((20, 40, 220))] * 60, frames_per_s=5)}


@pytest.fixture(scope="module")
def served(clips: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a language model that knows both videos, each with its subtitles."""
    with running_openai_server(answer_and_judge) as model, pytest.MonkeyPatch.context() as environment:
        environment.setenv("KINOGRAPH_VLM_URL", model.base_url)
        environment.setenv("KINOGRAPH_VLM_MODEL", "fake")
        with run_service(tmp_path_factory.mktemp("shared") / "home") as service:
            subtitles = tmp_path_factory.mktemp("subtitles")
            write_subtitles(subtitles / "heron.srt")
            cues = read_cues(ROWS / "longvideobench" / "subtitles" / "harbour_en.json", offset_s=100.0, duration_s=12.0)
            (subtitles / "blue.srt").write_text(write_srt(cues))
            indexing = index_clips(
                service, [Clip(path.name, path, LENGTH_S, subtitles / f"{name}.srt") for name, path in clips.items()]
            )
            assert not indexing.failures
            yield service


@pytest.mark.parametrize("name", CASES)
def test_every_set_runs_from_its_published_rows_to_its_figures(
    name: str, clips: dict[str, Path], served: Service, tmp_path: Path
) -> None:
    case = CASES[name]
    folder = tmp_path / name
    shutil.copytree(ROWS / name, folder)
    for video, kind in case.videos.items():
        shutil.copy(clips[kind], folder / f"{video}.mp4")
    for path in [path for path in folder.rglob("*") if path.suffix in (".json", ".jsonl", ".csv", ".txt")]:
        text = path.read_text()
        for old, new in case.swaps.items():
            text = text.replace(old, new)
        path.write_text(text)
    wishes = Wishes(with_subtitles=case.with_subtitles)
    run = run_set(name, folder, tmp_path / "home", wishes, Settings(), lambda _home: nullcontext(served))
    assert (run.summary.n_run, run.conditions.not_indexed) == (case.n_run, {})
    held = {figure: run.summary.figures[figure] for figure in case.figures}
    assert held == pytest.approx(case.figures), (run.summary.figures, run.details)
    assert run.asked.task is not Task.QUESTIONS or run.details[0]["verdict"] == "right", run.details
    json.dumps(run.details)
    assert json.loads(as_json(run.title, run.asked, run.conditions, run.summary))["n_run"] == case.n_run
