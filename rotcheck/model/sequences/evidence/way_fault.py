"""Whose fault it is that a model raises in a way in which it is called."""

import traceback
from pathlib import Path

import torch

import rotcheck
from rotcheck.errors import first_line
from rotcheck.witness.witness import Witness

_OURS = (str(Path(rotcheck.__file__).parent), str(Path(torch.__file__).parent))


def other_fault(error: Exception, witness: Witness) -> str:
    """Words, if a model raises where no rotary code runs: it may not be made for this way.

    Args:
        error: what was raised.
        witness: what was seen of the model's one pass.

    Returns:
        The exception and its line; empty, if it came out of a function that turns or makes tables,
        or was not raised within the model at all.
    """
    records = [*witness.calls, *witness.makers, *witness.idle]
    rotary = {record.function.__code__ for record in records}
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    foreign = [frame for frame in frames if not frame.f_code.co_filename.startswith((*_OURS, "<"))]
    if not foreign or any(frame.f_code in rotary for frame in frames):
        return ""
    lines = dict(traceback.walk_tb(error.__traceback__))
    place = f"{Path(foreign[-1].f_code.co_filename).name}:{lines[foreign[-1]]}"
    return f"it raises {type(error).__name__}: {first_line(error)} ({place})"
