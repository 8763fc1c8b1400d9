"""The notebook runs from top to bottom against a real service, and draws its pictures."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "search_and_graph.ipynb"

pytestmark = [
    pytest.mark.models,
    # Jupyter's own packages warn about event loops and unclosed sockets while the kernel ends.
    pytest.mark.filterwarnings("ignore"),
]


def test_the_notebook_runs_and_shows_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOGRAPH_HOME", str(tmp_path))
    monkeypatch.delenv("KINOGRAPH_URL", raising=False)
    monkeypatch.setitem(os.environ, "MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    texts = "".join(output.get("text", "") for output in outputs)
    assert len(pictures) == 2
    assert "ready" in texts
    assert "[1]" in texts
