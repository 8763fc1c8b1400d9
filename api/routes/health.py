"""Routes for operators: is it alive, is it ready, what are its numbers.

It does not know what to do when something is not.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.metadata import version

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.dependencies import TENANT, MetricsNeeded, Services, ServicesNeeded, UploadLimits, UploadLimitsNeeded
from api.schemas import CheckView, HealthView, ReadyView
from core.errors import KinographError, TryAgain

router = APIRouter(tags=["operation"])


@router.get("/healthz")
async def is_alive() -> HealthView:
    """Answer as long as the process does."""
    return HealthView(version=version("kinograph"))


@router.get("/readyz", responses={503: {"model": ReadyView, "description": "Something is missing; see `checks`."}})
def is_ready(services: ServicesNeeded, limits: UploadLimitsNeeded, response: Response) -> ReadyView:
    """Say whether everything that Kinograph needs answers."""
    checks = {name: _run(check) for name, check in _checks(services, limits).items()}
    is_all_ok = all(check.is_ok for check in checks.values())
    response.status_code = 200 if is_all_ok else 503
    return ReadyView(status="ready" if is_all_ok else "not ready", checks=checks)


def _checks(services: Services, limits: UploadLimits) -> dict[str, Callable[[], str]]:
    def check_catalogue() -> str:
        services.catalogue.ping()
        return "answers"

    def check_index() -> str:
        return f"{services.index.count()} segments"

    def check_disk() -> str:
        limits.folder.mkdir(parents=True, exist_ok=True)
        free_mib = shutil.disk_usage(limits.folder).free // 2**20
        if free_mib < limits.min_free_bytes // 2**20:
            raise TryAgain(f"{free_mib} MiB free", remedy="Free some disk space; uploads are refused.")
        return f"{free_mib} MiB free"

    return {"catalogue": check_catalogue, "index": check_index, "disk": check_disk}


def _run(check: Callable[[], str]) -> CheckView:
    try:
        return CheckView(is_ok=True, detail=check())
    except KinographError as error:
        return CheckView(is_ok=False, detail=str(error))
    except Exception as error:  # noqa: BLE001 - any failure of a check is its result, and its text may hold secrets
        return CheckView(is_ok=False, detail=type(error).__name__)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def read_metrics(services: ServicesNeeded, metrics: MetricsNeeded) -> Response:
    """Return counters for Prometheus."""
    newest = services.catalogue.list_videos(TENANT, limit=200).items
    return Response(metrics.render(newest, services.index.count()), media_type=CONTENT_TYPE_LATEST)
