"""Builds the web application from ready-made services; the one place that knows all routes.

It does not know how services are wired or the process is run; ``serve.py`` does.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer

from api.auth import BodyGuard, KeyGuard, SiteGuard
from api.dependencies import Services, UploadLimits
from api.errors import install_error_handlers
from api.metrics import Metrics, MetricsMiddleware
from api.pictures import KeyframeShelf
from api.routes import ask, graph, health, media, search, videos
from api.schemas import Problem
from core.settings import Settings

WEB_FOLDER = Path(__file__).parent / "web"
MAX_BODY_BYTES = 2**20
"""The largest legitimate JSON body is a long conversation: 50 turns of 8,000 characters."""
N_ANSWER_SLOTS = 16
"""Answers being written at a time; they wait for a language model, and must not starve the threads of other routes."""

DESCRIPTION = """Makes a library of long videos searchable and answerable.

Upload a video, follow its `/events`, then search its moments and ask about it: every answer cites the second it rests
on. Errors are `application/problem+json` with a `remedy`; lists are paged by `cursor`; instants and durations are in
seconds."""

PROBLEM: dict[str, Any] = {
    "description": "A problem, with its remedy.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def create_app(services: Services, *, settings: Settings) -> FastAPI:
    """Return the application over the services; building it is fast and loads nothing."""
    api_key = settings.api_key.get_secret_value() if settings.api_key else None
    app = FastAPI(
        title="Kinograph",
        version=version("kinograph"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        responses={"4XX": {"model": Problem, **PROBLEM}, "5XX": PROBLEM},
    )
    metrics = Metrics()
    app.state.services = services
    app.state.metrics = metrics
    app.state.keyframes = KeyframeShelf(services.catalogue)
    app.state.answer_slots = anyio.CapacityLimiter(N_ANSWER_SLOTS)
    app.state.upload_limits = UploadLimits(
        folder=settings.home / "uploads",
        max_upload_bytes=settings.max_upload_bytes,
        min_free_bytes=settings.min_free_bytes,
    )
    install_error_handlers(app)
    app.add_middleware(BodyGuard, max_bytes=MAX_BODY_BYTES, upload_path=videos.router.prefix)
    app.add_middleware(KeyGuard, api_key=api_key, open_paths=find_open_paths(WEB_FOLDER))
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.add_middleware(SiteGuard)
    # This only describes the key in /openapi.json; KeyGuard is what asks for it.
    described_key = [Security(HTTPBearer(auto_error=False, description="The server's key."))] if api_key else []
    for routes in (videos, media, search, ask, graph):
        app.include_router(routes.router, dependencies=described_key)
    app.include_router(health.router)
    app.frontend("/", directory=WEB_FOLDER, fallback=None, check_dir=False)
    app.frontend("/web", directory=WEB_FOLDER, fallback=None, check_dir=False)
    return app


def find_open_paths(web_folder: Path) -> frozenset[str]:
    """Return the addresses that need no key: the page's files and the health checks hold nothing of the library."""
    files = [path.relative_to(web_folder).as_posix() for path in web_folder.rglob("*") if path.is_file()]
    pages = {f"/{file}" for file in files} | {f"/web/{file}" for file in files}
    return frozenset({"/", "/web/", "/healthz", "/readyz"} | pages)
