"""Several sequences in one row, as in training: their positions begin again."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rotcheck.model.sequences.evidence.outcome_words import output_note, same_angle
from rotcheck.model.sequences.evidence.row_difference import row_difference
from rotcheck.model.sequences.evidence.token_angles import row_angles
from rotcheck.model.sequences.evidence.token_call import LENGTH, TokenCall
from rotcheck.model.sequences.way import WayClosed, WayOutcome, WaySubject

TITLE = "two sequences in one row, whose positions begin again"
PARTS = (slice(0, 7), slice(7, LENGTH))
BOUNDARIES = "cu_seqlens"


def run(subject: WaySubject) -> WayOutcome:
    """Hand over two sequences in a row, with positions or boundaries that say so."""
    call = TokenCall(subject)
    tokens = call.rows(1)
    arguments = _arguments(call, subject.device)
    whole_row = call.attempt(tokens, **arguments)
    tolerance = same_angle(subject.dtype)
    error, notes = 0.0, []
    for part in PARTS:
        alone = call.run(tokens[:, part], **_own_positions(call, arguments, part))
        row = row_angles(whole_row.angles, 0, part)
        difference = row_difference(row, row_angles(alone.angles, 0), tolerance)
        error = max(error, difference.error)
        where = f"in the sequence that begins at token {part.start}"
        if difference.tokens:
            no_effect = difference.follows(part.start.__add__)
            hint = f": {next(iter(arguments))} has no effect" if no_effect else ""
            words = f"{where}, {difference.words}{hint}"
            return WayOutcome(TITLE, error, "packed-positions", words)
        if words := output_note(whole_row.output[:, part], alone.output):
            notes.append(f"{where}, {words}: it may attend to the other one")
    return WayOutcome(TITLE, error, note="; ".join(notes) or None)


def _own_positions(call: TokenCall, arguments: Mapping[str, Any], part: slice) -> dict[str, Any]:
    """The positions of a sequence that is alone in its row, where the model makes none itself."""
    parameters = inspect.signature(call.subject.module.forward).parameters
    return {
        name: values[:, part]
        for name, values in arguments.items()
        if name != BOUNDARIES
        and isinstance(values, Tensor)
        and name in parameters
        and parameters[name].default is inspect.Parameter.empty
    }


def _arguments(call: TokenCall, device: str) -> dict[str, Any]:
    try:
        positions = [torch.arange(part.stop - part.start) for part in PARTS]
        arguments = {call.positions_parameter(): torch.cat(positions)[None].to(device)}
        # transformers keeps sequences of a row apart only where it makes no cache
        return arguments | ({"use_cache": False} if "use_cache" in call.parameters else {})
    except WayClosed:
        if BOUNDARIES not in call.parameters:
            raise
    boundaries = [0, *(part.stop for part in PARTS)]
    return {BOUNDARIES: torch.tensor(boundaries, dtype=torch.int32, device=device)}
