"""``kinograph eval`` as one types it: the sample film is indexed, asked, searched with steps left out, written down.

What cannot succeed is refused before anything is indexed, and before anything is written.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from adapters import build
from api.demo import sample_video
from core.errors import BadInput, TryAgain
from core.settings import Settings
from evaluation.corpus import load_corpus
from evaluation.homes import Workplace, check_home, choose_home, is_home, make_home
from evaluation.library import open_library
from evaluation.terminal import check_output, check_page


@pytest.mark.models
def test_the_sample_is_measured_and_written_down(tmp_path: Path) -> None:
    page, home = tmp_path / "evaluation.md", tmp_path / "home"
    command = [sys.executable, "-m", "evaluation", str(sample_video().parent), "--home", str(home), "--json"]
    done = subprocess.run(
        [*command, "--ablation", "--sample", "6", "--out", str(page)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["overall"]["n_queries"] == 6
    assert figures["ablation"][0]["name"] == "all steps"
    assert figures["ablation"][0]["summary"]["overall"]["recall_at_5"] == figures["overall"]["recall_at_5"]
    assert "without late interaction" in page.read_text()


def test_a_home_without_the_clips_is_refused(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    build.build_catalogue(settings).close()
    clips = load_corpus(sample_video().parent).clips
    with pytest.raises(TryAgain, match="none of the clips"), open_library(tmp_path, clips):
        pass


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evaluation", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_would_end_a_run_late_is_refused_before_any_work(tmp_path: Path) -> None:
    sample, home = sample_video().parent, tmp_path / "home"
    mine = tmp_path / "corpus"
    mine.mkdir()
    (mine / "video.mp4").write_bytes(b"")
    refused = [
        (["--home", home, "--details", tmp_path / "nope" / "x.jsonl"], "there is no folder"),
        (["--home", home, "--out", tmp_path / "nope" / "x.md"], "there is no folder"),
        (["--home", home, "--out", sample_video()], "not a page of text"),
        (["--home", home, "--details", tmp_path], "it is a folder"),
        (["--home", home, "--min-score", "nan"], "from 0 (show all) to 1"),
        (["--home", home, "--min-score", "7"], "from 0 (show all) to 1"),
        (["--home", home, "--profile", "x"], "Use --profile offline or standard"),
        (["--home", "/proc/x"], "Name a folder that you may write to"),
        (["--home", mine], "not empty. Name a new or empty folder."),
        (["--reuse", home], "does not exist"),
        (["--reuse", mine], "is not a home of Kinograph"),
    ]
    for options, said in refused:
        done = run(sample, *options)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "corpus",
        "corpus/video.mp4",
    ]


def test_outputs_are_checked_without_being_made(tmp_path: Path) -> None:
    assert not check_output(tmp_path / "new.jsonl").exists()
    page = tmp_path / "page.md"
    page.write_text("kept")
    assert check_page(page).read_text() == "kept"


def end_run(place: Workplace, *, is_indexed: bool) -> None:
    place.is_indexed = is_indexed
    raise TryAgain("the service is gone")


def test_a_failed_run_keeps_what_it_indexed_and_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told: list[str] = []

    def fail(*, is_indexed: bool) -> Path:
        with pytest.raises(TryAgain), choose_home(None, None, keep=False, tell=told.append) as place:
            end_run(place, is_indexed=is_indexed)
        assert place.home.is_dir()
        return place.home

    assert f"--reuse {fail(is_indexed=True)}" in told[-1]
    assert str(fail(is_indexed=False) / "evaluation.log") in told[-1]
    with choose_home(None, None, keep=False, tell=told.append) as place:
        pass
    assert not place.home.exists()
    assert len(told) == 2


def test_a_home_is_told_from_other_folders(tmp_path: Path) -> None:
    build.build_catalogue(Settings(home=tmp_path)).close()
    assert check_home(tmp_path) == tmp_path
    assert make_home(tmp_path, accepts=is_home) == tmp_path
    with pytest.raises(BadInput, match="not empty") as refused:
        make_home(tmp_path)
    assert "--reuse" in refused.value.remedy
