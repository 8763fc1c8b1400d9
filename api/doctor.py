"""`kinograph doctor` and `kinograph models`: whether this machine has what the settings ask for, and what to do if not.

It loads no model and changes nothing but a probe file in the home; whether answers are good is for `kinograph eval`.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

import httpx

from adapters.hub_files import is_at_hand
from adapters.weights import MODELS, WeightFile
from api.cli_server import find_server, is_alive
from core.errors import BadInput
from core.settings import Settings

TIMEOUT_S = 3.0
PACKAGES = (
    "torch",
    "transformers",
    "sentence-transformers",
    "faster-whisper",
    "av",
    "qdrant-edge-py",
    "celery",
    "fastapi",
)
"""What every profile needs; the rest comes with them."""
DEFAULT_PORTS = {
    "redis": 6379,
    "rediss": 6379,
    "amqp": 5672,
    "amqps": 5671,
    "postgresql": 5432,
    "http": 80,
    "https": 443,
}


class Verdict(StrEnum):
    """``warn`` works but not fully; ``fail`` does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do about it."""

    name: str
    status: Verdict
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model that ships with a package: ``verified``, ``absent`` or ``mismatch`` (other bytes than were tested)."""

    model: str
    task: str
    licence: str
    size_bytes: int
    status: str
    detail: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Check]:
    """Yield a check at a time, quick ones first."""
    yield _check_python()
    yield _check_packages()
    yield from _check_home(settings)
    yield from _check_engines(settings)
    yield _check_server(settings)
    yield from _check_models(settings)


def examine_models() -> list[ModelStatus]:
    """Return every bundled model with whether its files are there and have the known SHA-256; reads about 400 MB."""
    files_by_model: dict[str, list[WeightFile]] = {}
    for file in MODELS:
        files_by_model.setdefault(file.model, []).append(file)
    return [_model_status(model, files) for model, files in files_by_model.items()]


def _model_status(model: str, files: list[WeightFile]) -> ModelStatus:
    status, detail, remedy = "verified", files[0].requirement, ""
    try:
        for file in files:
            file.locate()
    except BadInput as error:
        status = "mismatch" if all(file.is_installed for file in files) else "absent"
        detail, remedy = error.reason, error.remedy
    size_bytes = sum(file.size_bytes for file in files)
    return ModelStatus(model, files[0].task, files[0].licence, size_bytes, status, detail, remedy)


def _check_python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    is_ok = sys.version_info >= (3, 11)
    return Check(
        "python", Verdict.OK if is_ok else Verdict.FAIL, version, "" if is_ok else "Install Python 3.11 or newer."
    )


def _check_packages() -> Check:
    missing = []
    for package in PACKAGES:
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        remedy = "Run: pip install -c constraints.txt -e '.[offline]'"
        return Check("packages", Verdict.FAIL, f"missing: {', '.join(missing)}", remedy)
    return Check(
        "packages", Verdict.OK, ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES[:4])
    )


def _check_home(settings: Settings) -> Iterator[Check]:
    home = settings.home
    remedy = "Set KINOGRAPH_HOME to a folder you may write to."
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home, prefix=".doctor-"):
            pass
    except OSError as error:
        yield Check("home", Verdict.FAIL, f"{home} is not writable ({error.strerror})", remedy)
        return
    yield Check("home", Verdict.OK, str(home))
    free_bytes = shutil.disk_usage(home).free
    is_enough = free_bytes >= settings.min_free_bytes
    yield Check(
        "disk",
        Verdict.OK if is_enough else Verdict.FAIL,
        f"{free_bytes / 2**30:.1f} GiB free, uploads need {settings.min_free_bytes / 2**30:.1f} GiB to stay free",
        "" if is_enough else "Free some disk, or move KINOGRAPH_HOME to a larger one.",
    )


def _check_engines(settings: Settings) -> Iterator[Check]:
    """Yield database, broker, index and language model: embedded, or reachable where one is configured."""
    yield Check("video decoding", Verdict.OK, "bundled with PyAV; no ffmpeg program is needed")
    yield _check_address("database", settings.database_url, "SQLite in the home", "KINOGRAPH_DATABASE_URL")
    yield _check_address("broker", settings.broker_url, "folder in the home", "KINOGRAPH_BROKER_URL")
    qdrant_key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
    if settings.qdrant_url is None:
        yield Check("vector index", Verdict.OK, "embedded shard in the home")
    else:
        headers = {"api-key": qdrant_key} if qdrant_key else {}
        yield _check_http(
            "vector index", settings.qdrant_url.rstrip("/") + "/collections", headers, "KINOGRAPH_QDRANT_URL"
        )
    if settings.vlm_url is None:
        remedy = "For written answers set KINOGRAPH_VLM_URL and KINOGRAPH_VLM_MODEL."
        yield Check("language model", Verdict.WARN, "none: answers quote the evidence", remedy)
    else:
        key = settings.vlm_api_key.get_secret_value() if settings.vlm_api_key else None
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        yield _check_http("language model", settings.vlm_url.rstrip("/") + "/models", headers, "KINOGRAPH_VLM_URL")


def _check_address(name: str, url: str | None, embedded: str, variable: str) -> Check:
    """Check that something listens at the host of the URL; files need no server."""
    if url is None:
        return Check(name, Verdict.OK, embedded)
    address = urlsplit(url)
    if address.hostname is None:
        return Check(name, Verdict.OK, f"{address.scheme} in files")
    place = f"{address.hostname}:{_port_of(address)}"
    try:
        with socket.create_connection((address.hostname, _port_of(address)), timeout=TIMEOUT_S):
            return Check(name, Verdict.OK, f"{place} accepts connections")
    except OSError as error:
        return Check(name, Verdict.FAIL, f"{place} does not answer ({error})", f"Start it, or correct {variable}.")


def _port_of(address: SplitResult) -> int:
    return address.port or DEFAULT_PORTS.get(address.scheme.partition("+")[0], 80)


def _check_http(name: str, url: str, headers: dict[str, str], variable: str) -> Check:
    try:
        response = httpx.get(url, headers=headers, timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Check(name, Verdict.FAIL, f"{url} does not answer ({error})", f"Start it, or correct {variable}.")
    if response.status_code in (401, 403):
        remedy = f"Set {variable.removesuffix('_URL')}_API_KEY."
        return Check(name, Verdict.FAIL, f"{url} refuses the key ({response.status_code})", remedy)
    if response.is_error:
        return Check(
            name, Verdict.WARN, f"{url} answers {response.status_code}", f"Look at its log, or correct {variable}."
        )
    return Check(name, Verdict.OK, f"{url} answers")


def _check_server(settings: Settings) -> Check:
    server = find_server(settings)
    if server is None:
        return Check("server", Verdict.OK, "none is running; commands start one for their duration")
    if is_alive(server.url):
        return Check("server", Verdict.OK, f"{server.url} answers")
    return Check("server", Verdict.FAIL, f"{server.url} does not answer", "Start it, or unset KINOGRAPH_URL.")


def _check_models(settings: Settings) -> Iterator[Check]:
    """Yield one check for all bundled weights; profile `standard` fetches its own, so absence only warns there."""
    models = examine_models()
    wrong = [model for model in models if model.status != "verified"]
    if not wrong:
        yield Check("model weights", Verdict.OK, f"{len(models)} models verified")
    for model in wrong:
        is_needed = settings.profile == "offline" and not _is_alternative(model.model, settings)
        is_bad = model.status == "mismatch" or is_needed
        yield Check(f"model {model.model}", Verdict.FAIL if is_bad else Verdict.WARN, model.detail, model.remedy)
    if settings.profile == "standard":
        yield from _check_hub_models(settings)


def _check_hub_models(settings: Settings) -> Iterator[Check]:
    """Yield whether the models named in the settings are at hand; CLIP and speech models have caches of their own."""
    for name, model in (
        ("text model", settings.text_model),
        ("token model", settings.token_model),
        ("visual retriever", settings.visual_retriever),
    ):
        if model and is_at_hand(model):
            yield Check(name, Verdict.OK, f"{model} is on this machine")
        elif model:
            remedy = "It is fetched from huggingface.co when the API starts; HF_HOME says where it is kept."
            yield Check(name, Verdict.WARN, f"{model} is not on this machine yet", remedy)


def _is_alternative(model: str, settings: Settings) -> bool:
    """Whether the model is a speech model other than the one the settings choose.

    >>> _is_alternative("whisper-tiny.en", Settings(speech_model="base")), _is_alternative("transnetv2", Settings())
    (True, False)
    """
    return model.startswith("whisper-") and model != f"whisper-{settings.speech_model}"
