"""The house around the routes: keys, headers, errors, health, metrics, the page, and what the OpenAPI document says."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from core.errors import TryAgain
from tests.api.conftest import World


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("POST", "/nothing", 404),
        ("GET", "/nothing.js", 404),
        ("GET", "/../../etc/passwd", 404),
        ("PUT", "/v1/videos", 405),
        ("DELETE", "/v1/search", 405),
    ],
)
def test_even_unknown_addresses_answer_with_problems(world: World, method: str, path: str, status: int) -> None:
    response = world.client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["remedy"]


def test_unforeseen_errors_show_nothing_of_the_inside(world: World) -> None:
    world.finder.error = RuntimeError("password=hunter2")
    response = world.client.post("/v1/search", json={"query": "q"})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in response.text


def test_what_is_away_for_now_says_when_to_come_back(world: World) -> None:
    world.finder.error = TryAgain("the index is away", remedy="Start it.")
    response = world.client.post("/v1/search", json={"query": "q"})
    assert (response.status_code, response.json()["remedy"]) == (503, "Start it.")
    assert int(response.headers["retry-after"]) > 0


@pytest.fixture
def locked(make_world: Callable[..., World]) -> World:
    return make_world(api_key=SecretStr("s3cret-ключ"))


@pytest.mark.parametrize(
    "path",
    ["/v1/videos", "/metrics", "/v1/nothing", "/openapi.json", "//v1/videos", "/x/v1/videos"],
)
def test_without_the_key_nothing_answers(locked: World, path: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic s3cret"},
        {"Authorization": "Bearer "},
    ):
        response = locked.client.get(path, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert response.headers["content-type"] == "application/problem+json"


def test_the_key_opens_as_header_and_on_reads_as_query(locked: World) -> None:
    header = {b"Authorization": "Bearer s3cret-ключ".encode()}
    assert locked.client.get("/v1/videos", headers=header).status_code == 200
    assert locked.client.get("/v1/videos", params={"key": "s3cret-ключ"}).status_code == 200
    assert locked.client.get("/v1/videos", params={"key": "wrong"}).status_code == 401
    assert locked.client.post("/v1/search", params={"key": "s3cret-ключ"}, json={"query": "q"}).status_code == 401
    uploaded = locked.client.post("/v1/videos", files={"file": ("a.mp4", b"video 5")}, headers=header)
    assert uploaded.status_code == 202
    media = f"/v1/videos/{uploaded.json()['id']}/media"
    assert locked.client.get(media).status_code == 401
    assert locked.client.get(media, params={"key": "s3cret-ключ"}).status_code == 200


def test_page_and_health_are_open(locked: World) -> None:
    for path in ("/", "/style.css", "/healthz", "/readyz"):
        assert locked.client.get(path).status_code == 200


def test_the_page_without_scripts_leads_to_an_address_there_is(world: World) -> None:
    [address] = re.findall(r"<noscript>.*<code>(/[^<]*)</code>.*</noscript>", world.client.get("/").text)
    assert world.client.get(address).status_code == 200


def test_the_page_may_only_load_from_here(world: World) -> None:
    page = world.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in world.client.get("/", headers={"Origin": "http://evil.example"}).headers
    for asset in ("/style.css", "/web/style.css"):
        assert world.client.get(asset).headers["content-type"].startswith("text/css")


def test_other_sites_cannot_change_anything(world: World) -> None:
    evil = {"Sec-Fetch-Site": "cross-site"}
    refused = world.client.post("/v1/videos", files={"file": ("a.mp4", b"video 5")}, headers=evil)
    assert refused.status_code == 403
    assert world.client.get("/v1/videos", headers=evil).json()["videos"] == []
    own = {"Sec-Fetch-Site": "same-origin"}
    assert world.client.post("/v1/videos", files={"file": ("a.mp4", b"video 5")}, headers=own).status_code == 202


def test_ready_says_of_each_part_how_it_is(world: World) -> None:
    ready = world.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert {name: check["is_ok"] for name, check in ready.json()["checks"].items()} == {
        "catalogue": True,
        "index": True,
        "disk": True,
    }


def test_ready_names_what_is_missing(make_world: Callable[..., World]) -> None:
    missing = make_world(min_free_bytes=2**60).client.get("/readyz")
    assert (missing.status_code, missing.json()["status"]) == (503, "not ready")
    disk = missing.json()["checks"]["disk"]
    assert not disk["is_ok"]
    assert disk["detail"].endswith("MiB free. Free some disk space; uploads are refused.")


def test_metrics_count_by_route_not_by_id(world: World) -> None:
    video_id = world.upload()
    world.client.get(f"/v1/videos/{video_id}")
    world.client.get("/v1/nothing")
    world.client.post("/v1/search", json={"query": "q"})
    text = world.client.get("/metrics").text
    assert 'kinograph_requests_total{method="GET",route="/v1/videos/{video_id}",status="200"} 1.0' in text
    assert 'kinograph_requests_total{method="POST",route="/v1/videos",status="202"} 1.0' in text
    assert 'kinograph_newest_videos{status="uploaded"} 1.0' in text
    assert "kinograph_search_seconds_count 1.0" in text
    assert video_id not in text


def test_openapi_describes_every_route_and_the_problem(locked: World) -> None:
    document = locked.client.get("/openapi.json", params={"key": "s3cret-ключ"}).json()
    assert document["openapi"].startswith("3.1")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert ("POST", "/v1/videos") in described
    assert ("GET", "/v1/videos/{video_id}/transcript.{format}") in described
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["description"]
            assert "application/problem+json" in operation["responses"]["4XX"]["content"]
    assert "url" not in str(document["paths"]["/v1/videos"]["post"]["requestBody"])
    assert document["components"]["securitySchemes"]
