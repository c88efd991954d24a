"""Which axis of a film each pair of M-RoPE is declared to turn with, and what is done instead."""

from collections.abc import Iterator
from itertools import permutations

import torch
from torch import Tensor

from rotcheck.model.declared.declared_rotation import DeclaredRotation
from rotcheck.model.declared.key_changes import key_name

_AXES = ("time", "height", "width", "the fourth axis")


def declared_axes(rotation: DeclaredRotation) -> Tensor | None:
    """The axis of each pair, 0 for time, 1 for height, 2 for width.

    Returns:
        (P,), int64; None where no sections are declared, or not as many pairs as turn.
    """
    interleaved = rotation.settings.value("interleaved_sections") is True
    if not rotation.sections or 2 * sum(rotation.sections) != rotation.rotary_dim:
        return None
    return _interleaved(rotation.sections) if interleaved else _blocks(rotation.sections)


def section_words(rotation: DeclaredRotation, axes: Tensor) -> str:
    """In words, how pairs turn with other axes than the declared ones; empty where they do not.

    Args:
        rotation: one with sections.
        axes: of each pair, as measured, (P,), int64.
    """
    right = declared_axes(rotation)
    if right is None or torch.equal(right, axes):
        return ""
    pair = int((right != axes[: len(right)]).nonzero()[0]) if len(axes) >= len(right) else len(axes)
    name, sections = key_name(rotation.settings, "sections"), tuple(rotation.sections)
    off = f"{name} is {sections}, and pair {pair} turns with another axis than the declared one"
    why = [
        words
        for words, candidate in _changes(rotation.sections, right)
        if torch.equal(candidate, axes)
    ]
    return f"{off}: {why[0]}" if why else off


def _blocks(sections: tuple[int, ...]) -> Tensor:
    """Section after section, as in Qwen2-VL."""
    return torch.arange(len(sections)).repeat_interleave(torch.tensor(sections))  # (P,)


def _interleaved(sections: tuple[int, ...]) -> Tensor:
    """Dealt t, h, w, t, h, w, and time takes the rest, as in Qwen3-VL."""
    axes, count = torch.zeros(sum(sections), dtype=torch.int64), len(sections)  # (P,)
    for axis, section in enumerate(sections[1:], 1):
        axes[axis : count * section : count] = axis
    return axes


def _changes(sections: tuple[int, ...], right: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield what the sections may have been taken for, (P,) each."""
    yield "sections stand one after another, where they are to be interleaved", _blocks(sections)
    yield (
        "sections are interleaved, where they are to stand one after another",
        _interleaved(sections),
    )
    for axis in range(len(sections)):
        yield f"all pairs turn with {_AXES[axis]}", torch.full_like(right, axis)
    for order in permutations(range(len(sections))):
        names = ", ".join(_AXES[axis] for axis in order)
        yield f"the sections are taken for {names}", torch.tensor(order)[right]
        lengths = tuple(sections[axis] for axis in order)
        yield f"the sections are taken in the order {lengths}", _blocks(lengths)
