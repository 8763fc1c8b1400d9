"""Whether the service is alive and ready, as JSON.

It does not know what is checked.
"""

from __future__ import annotations

from typing import Literal

from api.schemas.base import View


class HealthView(View):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str


class CheckView(View):
    """One thing that Kinograph needs in order to work."""

    is_ok: bool
    detail: str


class ReadyView(View):
    """Whether everything that Kinograph needs answers."""

    status: Literal["ready", "not ready"]
    checks: dict[str, CheckView]
