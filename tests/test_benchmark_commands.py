"""Commands of the benchmarks that are given a wrong home, folder or constant: one line, status 2, nothing made."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adapters import build
from api.demo import sample_video
from benchmarks.lectures import read_lecture
from benchmarks.parameters import read_values
from core.errors import BadInput
from core.settings import Settings

SAMPLE = str(sample_video().parent)


@pytest.mark.parametrize(
    ("module", "arguments", "said"),
    [
        ("compression", ["{nope}", SAMPLE], "nope does not exist"),
        ("fusion", ["{mine}", SAMPLE], "mine is not a home of Kinograph"),
        ("fusion", ["{empty_home}", SAMPLE], "holds none of the clips"),
        ("seeing", ["{empty_home}", "{nope}"], "there is no folder"),
        ("negatives", ["{nope}", SAMPLE], "nope does not exist"),
        ("negatives", ["{empty_home}", "{mine}"], "mine has no ground_truth.json"),
        ("hearing", ["{empty_home}", "{mine}"], "mine has no ground_truth.json"),
        ("parameters", ["{nope}", SAMPLE, "rag.relevance.MIN_SCORE=0.2"], "nope does not exist"),
        ("parameters", ["{empty_home}", SAMPLE, "rag.relevance.NOPE=1"], "'rag.relevance.NOPE=1'"),
        ("parameters", ["{empty_home}", SAMPLE, "rag.relevance.MIN_SCORE=0.2"], "Name a corpus of several"),
        ("planning", ["{empty_home}", "{mine}"], "mine has no ground_truth.json"),
        ("planning", ["{empty_home}", SAMPLE], "sample has no ground_truth.json"),
        ("language_model", ["{empty_home}", "{mine}"], "mine has no ground_truth.json"),
        ("language_model", ["{empty_home}", SAMPLE], "no language model is configured"),
        ("graph", ["{nope}", SAMPLE], "nope does not exist"),
        ("graph", ["{empty_home}", "{mine}"], "mine has no ground_truth.json"),
        ("graph", ["{empty_home}", SAMPLE], "holds none of the clips"),
        ("indexing", ["{nope}", SAMPLE], "nope does not exist"),
        ("indexing", ["{empty_home}", "{mine}"], "mine has no ground_truth.json"),
        ("indexing", ["{empty_home}", SAMPLE], "holds none of the clips"),
        ("indexing", ["{empty_home}", SAMPLE, "--steps", "nope"], "no such step of indexing: nope"),
        ("indexing", ["{empty_home}", SAMPLE, "--out", "{mine}"], "it is a folder"),
        ("page", ["{nope}", SAMPLE], "nope does not exist"),
        ("page", ["{empty_home}", "{mine}"], "mine has no ground_truth.json"),
        ("page", ["{empty_home}", SAMPLE], "holds none of the clips"),
        ("afternoon", ["{mine}"], "mine has no ground_truth.json"),
        ("survive_kills", ["{nope}"], "there is no file"),
        ("search_scale", ["--out", "{mine}"], "mine: it is a folder"),
        ("subtitled", ["{mine}", "--out", "{nope}"], "mine has no ground_truth.json"),
    ],
)
def test_what_is_named_wrongly_is_told_in_a_line(tmp_path: Path, module: str, arguments: list[str], said: str) -> None:
    mine, empty_home = tmp_path / "mine", tmp_path / "home"
    mine.mkdir()
    build.build_catalogue(Settings(home=empty_home)).close()
    named = {"nope": tmp_path / "nope", "mine": mine, "empty_home": empty_home}
    command = [sys.executable, "-m", f"benchmarks.{module}", *(text.format_map(named) for text in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "mine"]
    assert not [*mine.iterdir()]


@pytest.mark.parametrize(
    "text", ["nope", "rag.nope.X=1", "rag.relevance.MIN_SCORE", "rag.relevance.MIN_SCORE=a", "rag.relevance.judge=1"]
)
def test_only_numbers_of_modules_are_constants(text: str) -> None:
    with pytest.raises(BadInput, match=text.partition("=")[0]):
        read_values(text)


def test_only_generated_lectures_have_sentences(tmp_path: Path) -> None:
    (tmp_path / "ground_truth.json").write_text(json.dumps({"videos": [{"video": "a.mp4"}]}))
    with pytest.raises(BadInput, match="not that of a generated lecture"):
        read_lecture(tmp_path)
