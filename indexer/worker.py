"""The Celery worker: binds messages to jobs; `kinograph serve` starts it as a child, clusters by `kinograph worker`.

It does not know what the jobs do, nor the HTTP API.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
import time
import warnings

from celery.platforms import SecurityWarning

from adapters import build
from adapters.jobs import CeleryJobQueue, make_celery
from core.dispatch import QUEUES, TASK_PREFIX, dispatch_outbox
from core.errors import BadInput
from core.home import open_home
from core.ids import new_id
from core.logs import configure_logs
from core.publication import publish_ready_parts
from core.settings import Settings, read_settings
from core.workers import PARENT_PID_VARIABLE, worker_prefix
from indexer import tasks
from indexer.embeddings import Encoders
from indexer.pipeline import Perception, warm_up

log = logging.getLogger(__name__)


def main() -> None:
    """Run a worker until it is told to stop."""
    try:
        settings = read_settings()
        configure_logs(open_home(settings.home), "worker")
    except BadInput as error:
        sys.exit(f"kinograph: {error}")
    # In a container the worker is root, and nothing but JSON of our own is ever loaded from a message.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    _end_with_parent()
    app = make_celery(settings.broker_url, settings.home)
    queue = CeleryJobQueue(app)
    tools = make_tools(settings)
    shared_index = None if settings.is_index_embedded else functools.cache(lambda: build.build_index(settings))

    threading.Thread(target=lambda: warm_up(tools.perception()), name="warm-up", daemon=True).start()

    def after_work() -> None:
        if shared_index is not None:
            publish_ready_parts(tools.catalogue, shared_index(), tools.media)
        dispatch_outbox(tools.catalogue, queue)

    @app.task(name=TASK_PREFIX + "plan_video")  # type: ignore[untyped-decorator]
    def plan_video(video_id: str) -> None:
        tasks.run_plan(video_id, tools)
        after_work()

    @app.task(name=TASK_PREFIX + "index_part")  # type: ignore[untyped-decorator]
    def index_part(*_hint: str) -> None:
        tasks.run_next_part(tools)
        after_work()

    @app.task(name=TASK_PREFIX + "finish_video")  # type: ignore[untyped-decorator]
    def finish_video(video_id: str) -> None:
        tasks.run_finish(video_id, tools)

    # A solo worker keeps one copy of the models and dies whole; behind a real broker prefork keeps its heartbeat alive.
    pool = "solo" if settings.is_broker_embedded else "prefork"
    app.worker_main(
        ["--quiet", "worker", f"--pool={pool}", "--concurrency=1", f"--queues={','.join(QUEUES)}", "--loglevel=INFO",
         f"--hostname={worker_prefix()}@%h", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    )  # fmt: skip


def make_tools(settings: Settings) -> tasks.Tools:
    """Return a worker's tools; models load on first use."""
    reader = build.build_reader(settings)
    recogniser = functools.cache(build.build_entity_recogniser)

    @functools.cache
    def perception() -> Perception:
        text = build.build_text_encoder(settings, threads=build.indexing_threads(settings))
        return Perception(
            profile=settings.profile,
            reader=reader,
            shots=build.build_shot_detector(settings),
            speech=build.build_speech_recogniser(settings),
            screen=build.build_screen_reader(settings),
            encoders=Encoders(
                text=text,
                visual=build.build_visual_encoder(settings, text, threads=build.indexing_threads(settings)),
                lexical=build.build_lexical_encoder(),
            ),
            names=recogniser(),
            objects=build.build_object_detector(),
            captioner=build.build_captioner(settings),
        )

    return tasks.Tools(
        name=worker_prefix() + new_id()[:8],
        catalogue=build.build_catalogue(settings),
        media=build.build_media_store(settings),
        reader=reader,
        perception=perception,
        recogniser=recogniser,
        part_s=settings.part_s,
        lease_s=settings.lease_s,
    )


def _end_with_parent() -> None:
    parent_pid = int(os.environ.get(PARENT_PID_VARIABLE, "0"))
    if not parent_pid:
        return

    def watch() -> None:
        while os.getppid() == parent_pid:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    main()
