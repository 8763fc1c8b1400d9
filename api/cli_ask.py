"""`kinograph ask`: shows an answer while it is written, and returns it once it is checked.

It does not know how an answer is laid out in the end.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from api.cli_render import err
from api.client import Client, Json
from core.errors import TryAgain


def ask_aloud(client: Client, question: str, videos: Sequence[str]) -> Json:
    """Return the answer; what is said on the way stands on stderr and vanishes, where a person watches.

    Raises:
        TryAgain: the stream ended without an answer.
    """
    written = ""
    with Live(Spinner("dots", "searching"), console=err, transient=True, auto_refresh=err.is_terminal) as live:
        for event, data in client.stream_answer(question, videos=videos):
            if event == "answer":
                return data
            if event == "delta":
                written += data["delta"]
                live.update(Text(written))
            elif event == "step" and not written:
                live.update(Spinner("dots", data["step"]))
    raise TryAgain("the answer was cut off", remedy="Ask again; if it happens twice, look at the server's log.")
