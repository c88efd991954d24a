"""The error of a model that cannot be built or called."""

import traceback
from pathlib import Path

from rotcheck.errors import RequestError, first_line


class BuildError(RequestError):
    """No model that runs can be made of a SPEC; the message says what was tried and what came."""


def reason(error: Exception) -> str:
    """What a stranger's code raised, in one line, with the file and line that raised it."""
    if isinstance(error, BuildError):
        return str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [
        first_line(error)
    ]
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(lines[:2])}{place}"
