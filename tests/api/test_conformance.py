"""Schemathesis sends what the OpenAPI document allows and forbids, and checks that the answers are as described.

(Its pytest plugin needs an internal of pytest that version 9.2 no longer has; its strategies need only Hypothesis.)
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.api.conftest import World

N_EXAMPLES = 10
"""Of each operation and mode; all of them together stay well under a minute."""

NOT_FULLY_DESCRIBED = {
    ("post", "/v1/videos"),  # which bytes are a video
    ("get", "/v1/videos"),  # which cursors are ours
    ("get", "/v1/graph/entities"),
    ("get", "/v1/graph/events"),
    ("get", "/v1/videos/{video_id}/evidence"),  # that a stretch must end after it starts
    ("post", "/v1/search"),
    ("patch", "/v1/videos/{video_id}"),  # that a title must hold something visible
}
"""Operations that may refuse what their schema allows, for a rule that JSON Schema cannot say."""

bounded = settings(
    max_examples=N_EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_every_answer_is_as_described(world: World, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", world.app)
    failures = []
    for number, found in enumerate(schema.get_all_operations()):
        assert isinstance(found, Ok)
        operation = found.ok()
        video_id = world.add_ready_video(f"video 120 number {number}".encode())
        try:
            check(operation, mode, video_id if mode == GenerationMode.POSITIVE else None)
        except Unsatisfiable:
            continue  # The operation takes nothing that could be wrong.
        except FailureGroup as group:
            failures += [f"{operation.method} {operation.path}: {failure}" for failure in group.exceptions]
    assert not failures, "\n".join(failures)


def check(operation: Any, mode: GenerationMode, video_id: str | None) -> None:
    """Call the operation with generated cases, on the video where it takes one."""
    excluded = [positive_data_acceptance] if (operation.method, operation.path) in NOT_FULLY_DESCRIBED else []
    has_video = video_id is not None and "{video_id}" in operation.path
    fixed = {"path_parameters": {"video_id": video_id}} if has_video else {}

    @bounded
    @given(case=operation.as_strategy(generation_mode=mode, **fixed))
    def call(case: Any) -> None:
        case.call_and_validate(excluded_checks=excluded)

    call()
