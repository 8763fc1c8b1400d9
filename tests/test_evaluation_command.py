"""``kinograph eval`` as one types it: the sample film is indexed, asked, searched with steps left out, written down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adapters import build
from api.demo import sample_video
from core.errors import TryAgain
from core.settings import Settings
from evaluation.corpus import load_corpus
from evaluation.library import open_library


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
