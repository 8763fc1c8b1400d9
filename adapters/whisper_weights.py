"""The files of whisper models that come with pip packages, as a folder that CTranslate2 can open.

It does not load them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from adapters.weights import model_files
from core.errors import TryAgain

OFFLINE_MODELS = ("base", "tiny.en")
"""Those whose weights travel inside pip packages."""
BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
"""Of model.bin of `base`, which comes in two halves because of the size limit of the package index."""


def offline_folder(model: str, cache_dir: Path) -> Path:
    """Return a folder with the verified files of an offline model; ``base`` is assembled in the cache the first time.

    Safe against other processes and crashes: the folder is built under another name and moved into place whole.

    Raises:
        BadInput: a package is missing or its bytes are not the known ones.
        TryAgain: the cache cannot be written.
    """
    files = [file.locate() for file in model_files(f"whisper-{model}")]
    if model != "base":
        return files[0].parent
    from filelock import FileLock

    target = cache_dir / f"whisper-base-{BASE_SHA256[:12]}"
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if not _is_whole(target):
                _assemble(files, target)
    except OSError as error:
        raise TryAgain(
            f"the speech model cannot be written to {cache_dir}: {error}",
            remedy="Free 150 MB there, or point KINOGRAPH_HOME to a writable folder.",
        ) from error
    return target


def _is_whole(folder: Path) -> bool:
    weights = folder / "model.bin"
    if not weights.is_file():
        return False
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == BASE_SHA256


def _assemble(files: list[Path], target: Path) -> None:
    """Join the ``.part`` files in order and copy the others, then move the folder to ``target``."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{target.name}.") as scratch:
        folder = Path(scratch) / "model"
        folder.mkdir()
        with (folder / "model.bin").open("wb") as whole:
            for part in sorted((f for f in files if ".part" in f.suffix), key=lambda f: f.suffix):
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole, 1 << 20)
            whole.flush()
            os.fsync(whole.fileno())
        for file_path in files:
            if ".part" not in file_path.suffix:
                shutil.copyfile(file_path, folder / file_path.name)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
