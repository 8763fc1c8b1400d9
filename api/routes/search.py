"""The route that finds moments.

It does not know how they are found.
"""

from __future__ import annotations

import time
from dataclasses import replace

from fastapi import APIRouter

from api.dependencies import TENANT, MetricsNeeded, ServicesNeeded, require_videos
from api.schemas import SearchBody, SearchView

router = APIRouter(prefix="/v1", tags=["search"])


@router.post("/search")
def search(body: SearchBody, services: ServicesNeeded, metrics: MetricsNeeded) -> SearchView:
    """Find the moments that fit a description, best first; none when nothing is relevant."""
    request = body.to_request(TENANT)
    require_videos(services, request.video_ids)
    began_s = time.perf_counter()
    plan = services.finder.plan(request)
    moments = services.finder.find(replace(request, plan=plan))
    metrics.search_seconds.observe(time.perf_counter() - began_s)
    return SearchView.of(moments, plan, request)
