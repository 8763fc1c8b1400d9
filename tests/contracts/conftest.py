"""Fixtures of the catalogue's contracts: an empty database of each kind, and a clock that moves when told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.stores import Catalogue
from tests.databases import Clock, fresh_catalogue


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgres"])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Catalogue]:
    with fresh_catalogue(request.param, tmp_path, clock) as opened:
        yield opened
