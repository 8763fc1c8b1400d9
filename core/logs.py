"""Logs: everything into a file in the home, and only what a person must know onto the terminal.

It does not know who writes them.
"""

import logging
import logging.handlers
import sys
from pathlib import Path

MAX_LOG_BYTES = 10 * 2**20
_FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"

_TALKATIVE = ("celery.redirected", "kombu.connection", "httpx", "sentence_transformers", "faster_whisper", "urllib3")
"""Libraries that say at INFO or WARNING what is of no use to anyone; their errors still pass."""


def configure_logs(home: Path, name: str) -> None:
    """Send INFO to ``home/logs/<name>.log`` (rotated) and warnings to stderr."""
    folder = home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.log"
    to_file = logging.handlers.RotatingFileHandler(path, maxBytes=MAX_LOG_BYTES, backupCount=2, encoding="utf-8")
    to_file.setFormatter(logging.Formatter(_FORMAT))
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setLevel(logging.WARNING)
    to_terminal.setFormatter(logging.Formatter("kinograph: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[to_file, to_terminal], force=True)
    for talkative in _TALKATIVE:
        logging.getLogger(talkative).setLevel(logging.ERROR)
