"""Whose fault it is that a model raises in a way in which it is called."""

import traceback
from pathlib import Path

from rotcheck.errors import first_line
from rotcheck.witness.frame_functions import is_strangers
from rotcheck.witness.witness import Witness


def other_fault(error: Exception, witness: Witness) -> str:
    """Words, if a model raises where no rotary code runs: it may not be made for this way.

    Args:
        error: what was raised.
        witness: what was seen of the model's one pass.

    Returns:
        The exception and its line; empty, if it came out of rotary code, or was not raised within
        the model at all.
    """
    rotary = {record.function.__code__ for record in witness.rotary_records}
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    places = [(code, line) for code, line in frames if is_strangers(code)]
    if not places or any(code in rotary for code, _ in frames):
        return ""
    code, line = places[-1]
    place = f"{Path(code.co_filename).name}:{line}"
    return f"it raises {type(error).__name__}: {first_line(error)} ({place})"
