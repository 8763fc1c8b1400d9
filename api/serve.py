"""`kinograph serve`: one process that owns a home — API, dispatcher, publisher, and the child workers.

It does not know how requests are handled; ``app.py`` does.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from filelock import FileLock, Timeout

from adapters import build
from api.app import create_app
from api.dependencies import Services
from api.housekeeping import POLL_S, Loop, WorkerPool, dispatch_loop, publish_loop
from api.uploads import discard_leftovers, purge_video
from core.errors import BadInput, Conflict
from core.home import open_home
from core.logs import configure_logs
from core.publication import repair_index
from core.settings import Settings
from core.stores import Catalogue, MediaStore, SegmentIndex
from rag.compose import Retrieval, compose_retrieval

log = logging.getLogger(__name__)

PUBLISH_SHARED_EVERY_S = 10.0
"""Where workers publish themselves, the API only picks up what a worker that died in between left behind."""


def serve(settings: Settings, *, host: str | None = None, port: int | None = None) -> None:
    """Run the service until it is interrupted.

    Raises:
        Conflict: another service owns this home.
        BadInput: the home cannot be written to; the address cannot be bound, or would let anyone on the network in
            without a key.
    """
    configure_logs(open_home(settings.home), "serve")
    address = host or settings.host, settings.port if port is None else port
    is_guarded = settings.api_key is not None or settings.allow_no_key
    with _own_home(settings.home), _listen(*address, is_guarded=is_guarded) as listener:
        discard_leftovers(settings.home / "uploads")
        service = compose(settings)
        app = create_app(service.services, settings=settings)
        service.start()
        address_file = settings.home / "server.json"
        address_file.write_text(json.dumps({"url": _url(listener), "pid": os.getpid()}))
        place = f"{_url(listener)}{', and every address of this machine' if _is_everywhere(listener) else ''}"
        sys.stderr.write(f"Kinograph serves {place}; data and logs in {settings.home}; Ctrl-C stops it.\n")
        try:
            config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3)
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            address_file.unlink(missing_ok=True)
            service.stop()


@dataclass(frozen=True, slots=True)
class Service:
    """A composed service: what the routes use, and the threads and child processes beside them."""

    services: Services
    retrieval: Retrieval
    background: tuple[Loop | WorkerPool, ...]

    def start(self) -> None:
        """Start the background, resume deletions that were cut short, and load the query models beside it."""
        for runner in self.background:
            runner.start()
        threading.Thread(target=self._recover, name="recover", daemon=True).start()
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def stop(self) -> None:
        """Stop the workers first, so that nothing is claimed while the stores close."""
        for runner in reversed(self.background):
            runner.stop()
        self.services.index.close()
        self.services.catalogue.close()

    def _warm_up(self) -> None:
        """Load the query models, then have the collector pass over what stays for good.

        Else some search soon after the start waits 0.4 s while all objects of the libraries are looked through.
        """
        self.retrieval.warm_up()
        gc.collect()
        gc.freeze()

    def _recover(self) -> None:
        """Finish deletions that were cut short, and publish again what a power cut took from the index."""
        for video in self.services.catalogue.deleting_videos():
            purge_video(self.services, video.id)
        n_repaired = repair_index(self.services.catalogue, self.services.index, self.services.media)
        if n_repaired:
            log.warning("%d parts were missing in the index and were published again", n_repaired)


def compose(settings: Settings) -> Service:
    """Return the service, wired; no model is loaded and no thread runs yet."""
    catalogue = build.build_catalogue(settings)
    media = build.build_media_store(settings)
    index = build.build_index(settings)
    retrieval = compose_retrieval_of(settings, catalogue, index, media)
    dispatch = dispatch_loop(catalogue, build.build_job_queue(settings))
    publish_every_s = POLL_S if settings.is_index_embedded else PUBLISH_SHARED_EVERY_S
    background: list[Loop | WorkerPool] = [dispatch, publish_loop(catalogue, index, media, every_s=publish_every_s)]
    if settings.is_broker_embedded:
        # Nobody else can hold a lease on an embedded home: whoever did is dead, and its parts need not wait.
        catalogue.release_worker("")
        background.append(WorkerPool(catalogue, settings.workers))
    services = Services(
        catalogue=catalogue,
        index=index,
        media=media,
        reader=build.build_reader(settings),
        finder=retrieval.finder,
        answerer=retrieval.answerer,
        notify=dispatch.wake,
    )
    return Service(services, retrieval, tuple(background))


def compose_retrieval_of(settings: Settings, catalogue: Catalogue, index: SegmentIndex, media: MediaStore) -> Retrieval:
    """Return finder and answerer over the given stores, with the encoders of the settings' profile."""
    text = build.build_text_encoder(settings, threads=build.TEXT_THREADS_FOR_QUERIES)
    return compose_retrieval(
        catalogue=catalogue,
        index=index,
        media=media,
        text=text,
        visual=build.build_visual_encoder(settings, text, threads=build.TEXT_THREADS_FOR_QUERIES),
        lexical=build.build_lexical_encoder(),
        recogniser=build.build_entity_recogniser(),
        model=build.build_language_model(settings),
    )


def _url(listener: socket.socket) -> str:
    """Return where this machine itself reaches the listener."""
    host, port = listener.getsockname()[:2]
    if _is_everywhere(listener):
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _is_everywhere(listener: socket.socket) -> bool:
    return ip_address(listener.getsockname()[0]).is_unspecified


@contextmanager
def _own_home(home: Path) -> Iterator[None]:
    lock = FileLock(home / "serve.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Conflict(
            f"another kinograph serves {home}", remedy="Use it, stop it, or set KINOGRAPH_HOME to another folder."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _listen(host: str, port: int, *, is_guarded: bool) -> Iterator[socket.socket]:
    """Yield a socket that listens there; unguarded, only where this machine alone can reach it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise BadInput(
                f"cannot listen on {host}:{port} ({error.strerror})", remedy="Choose another with --port, or --port 0."
            ) from error
        # The bound address, not the name that was given: whatever localhost means here, it shows.
        if not is_guarded and not ip_address(listener.getsockname()[0]).is_loopback:
            raise BadInput(
                f"without a key anyone who reaches {host} could read and delete the library",
                remedy="Set KINOGRAPH_API_KEY, listen on 127.0.0.1, or set KINOGRAPH_ALLOW_NO_KEY=true where something "
                "else keeps strangers out.",
            )
        listener.listen(128)
        yield listener
