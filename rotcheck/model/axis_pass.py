"""The same call of a model with positions that differ from axis to axis, as no text has them."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.errors import first_line
from rotcheck.model.forward_pass import ForwardPass, run_forward

SEED = 5
FEWEST = 9  # tokens
POSITIONS = "position_ids"  # (A, B, S)
PLACES = ("txt_ids", "img_ids")  # of Flux and its kind: (L, A) and (N, A), one row behind the other


class NoAxisPositions(Exception):
    """A model that takes no positions for each axis; the message says why."""


@dataclass(frozen=True, slots=True)
class AxisPass:
    """A pass whose first tokens, `line` of them, have the positions 0, 1, 2, ... on each axis, as
    those of a text, and whose others have `places` (A, N), others on each."""

    forward: ForwardPass
    line: int
    places: Tensor


def axis_pass(module: Module, inputs: Mapping[str, Any], axes: int, longest: int) -> AxisPass:
    """Call a model with positions that differ from axis to axis.

    Args:
        module: the model.
        inputs: keyword arguments of a call of it that runs.
        axes: how many there are.
        longest: positions stay under it.

    Raises:
        NoAxisPositions: it takes no such positions.
    """
    length = _length(module, inputs, axes)
    line, generator = 2 * length // 3, torch.Generator().manual_seed(SEED)
    places = torch.randint(longest, (axes, length - line), generator=generator)  # (A, N)
    positions = torch.cat((torch.arange(line).expand(axes, -1), places), 1)  # (A, S)
    try:
        with torch.no_grad():
            forward = run_forward(module, {**inputs, **_placed(inputs, positions)})
    except Exception as error:  # a stranger's forward, called with other positions
        words = f"it raises with positions for {axes} axes: {first_line(error)}"
        raise NoAxisPositions(words) from error
    return AxisPass(forward, line, places)


def _placed(inputs: Mapping[str, Any], rows: Tensor) -> dict[str, Tensor]:
    """The arguments that give tokens these positions (A, S)."""
    if not set(PLACES) <= set(inputs):
        tokens = _tokens(inputs)
        assert tokens is not None, "its length was asked"
        return {POSITIONS: rows[:, None].expand(-1, len(tokens), -1).to(tokens.device)}
    arguments, columns = {}, rows.T  # (S, A)
    for name in PLACES:
        before = inputs[name]
        count = before.shape[-2]
        arguments[name] = columns[:count].to(before).expand(before.shape).contiguous()
        columns = columns[count:]
    return arguments


def _tokens(inputs: Mapping[str, Any]) -> Tensor | None:
    """The tokens of a text, (B, S) or (B, S, C)."""
    names = ("input_ids", "inputs_embeds")
    values = (inputs[name] for name in names if isinstance(inputs.get(name), Tensor))
    return next((value for value in values if value.dim() > 1), None)


def _length(module: Module, inputs: Mapping[str, Any], axes: int) -> int:
    """How many tokens have positions."""
    if set(PLACES) <= set(inputs):
        if inputs[PLACES[1]].shape[-1] != axes:
            raise NoAxisPositions(f"its places have {inputs[PLACES[1]].shape[-1]} axes, not {axes}")
        return sum(int(inputs[name].shape[-2]) for name in PLACES)
    tokens = _tokens(inputs)
    if tokens is None:
        raise NoAxisPositions("it takes no tokens with positions")
    if POSITIONS not in {*inputs, *inspect.signature(module.forward).parameters}:
        raise NoAxisPositions(f"its forward takes no {POSITIONS}")
    if tokens.shape[1] < FEWEST:
        raise NoAxisPositions(f"{tokens.shape[1]} tokens are too few")
    return int(tokens.shape[1])
