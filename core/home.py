"""The folder of all data, which every process opens before anything else is read or written there.

It does not know what lies in it.
"""

import errno
import os
from pathlib import Path

from core.errors import BadInput


def open_home(home: Path) -> Path:
    """Return the folder, made if it was not there.

    Raises:
        BadInput: it cannot be made, or not be written to.
    """
    remedy = "Set KINOGRAPH_HOME to a folder you may write to."
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot keep data in {home} ({error.strerror})", remedy=remedy) from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise BadInput(f"cannot keep data in {home} ({os.strerror(errno.EACCES)})", remedy=remedy)
    return home
