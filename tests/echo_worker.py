"""A Celery worker whose one task writes its arguments to a file: ``python -m tests.echo_worker URL|- HOME OUT``.

It does not index anything; it shows that hints arrive through a broker.
"""

import os
import signal
import sys
from pathlib import Path
from uuid import uuid4

from adapters.jobs import make_celery


def main() -> None:
    broker_url, home, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    app = make_celery(None if broker_url == "-" else broker_url, home)

    @app.task(name="kinograph.plan_video")  # type: ignore[untyped-decorator]
    def plan_video(*args: str) -> None:
        if args == ("kill",) and not (out / "killed").exists():
            (out / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        scratch = out / f"{uuid4().hex}.part"
        scratch.write_text("\n".join(args))
        scratch.replace(scratch.with_suffix(".done"))

    app.worker_main(
        ["worker", "--pool=solo", "--queues=plan,index", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
    )


if __name__ == "__main__":
    main()
