"""The rows of frequencies that a model may have instead of the declared one, each with its why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rotcheck.model.declared.axis_order import axis_order
from rotcheck.model.declared.config_settings import config_settings
from rotcheck.model.declared.declared_rotation import declared_rotation
from rotcheck.model.declared.declared_schedule import rope_type
from rotcheck.model.declared.key_changes import (
    LIKELY,
    POSSIBLE,
    RARE,
    KeyChange,
    holder,
    key_changes,
    key_name,
    number,
)
from rotcheck.model.declared.rotation_settings import RotationSettings, Setting
from rotcheck.model.declared.spellings import KEYS, LOCAL_THETAS, MAPPINGS
from rotcheck.rotary.frequencies import inverse_frequencies
from rotcheck.rotary.recognition import WELL_KNOWN_THETAS
from rotcheck.rotary.schedules import Ntk

_SCALING = ("kind", "factor", "original_length", "low", "high", "beta_fast", "beta_slow")
_WITHOUT_SCALING = ("default", "axial", "axes", "proportional")
_THETAS = (
    "theta",
    "rotary_base",
    "rotary_emb_base",
    "rope_base",
    "freq_base",
    "rope_local_base_freq",
)


@dataclass(frozen=True, slots=True)
class KeyVariation:
    """A row that another reading of the configuration gives: the pairs that turn, (K,) float64."""

    words: str
    keys: tuple[str, ...]
    row: Tensor
    cost: int = LIKELY


def turning_row(frequencies: Tensor) -> Tensor:
    """The frequencies without the pairs at their end that stand still, (K,)."""
    turning = frequencies.nonzero()  # (K, 1)
    return frequencies[: int(turning[-1]) + 1] if len(turning) else frequencies[:0]


def key_variations(
    settings: RotationSettings, config: Mapping[str, Any], length: int
) -> Iterator[KeyVariation]:
    """Yield what a configuration may be taken for.

    Args:
        settings: those of the rotation in question.
        config: the whole configuration, whose other rotations and thetas may be taken for it.
        length: of the sequence, on which some schedules depend.
    """
    changes = (
        *key_changes(settings),
        *_of_architecture(settings, config),
        *_of_others(settings, config),
        *_other_thetas(settings, config),
    )
    for change in changes:
        row = _row(change.settings, length)
        if row is not None:
            yield KeyVariation(change.words, change.keys, row, change.cost)
    right = _row(settings, length)
    if right is not None:
        yield from _special_rows(settings, right)


def _row(settings: RotationSettings, length: int) -> Tensor | None:
    """The pairs that turn, as these settings declare; None where nothing follows from them."""
    rotation = declared_rotation(settings)
    return None if rotation.schedule is None else turning_row(rotation.frequencies(length))


def _of_others(settings: RotationSettings, config: Mapping[str, Any]) -> Iterator[KeyChange]:
    """Yield what the configuration declares of other layers and parts."""
    for neighbour in config_settings(config):
        if (neighbour.layers, neighbour.part) == (settings.layers, settings.part):
            continue
        name = (
            neighbour.layers if neighbour.part == settings.part else neighbour.part or "the whole"
        )
        words = f"it turns as {name} is declared to"
        cost = LIKELY if neighbour.part == settings.part else RARE
        yield KeyChange(words, (key_name(neighbour, "theta"),), neighbour, cost)
        scaling = {key: neighbour.settings.get(key, Setting(None)) for key in _SCALING}
        reading = replace(settings, settings={**settings.settings, **scaling})
        words = f"the scaling of {name} is applied to {settings.layers or settings.part} too"
        if rope_type(neighbour) not in _WITHOUT_SCALING and neighbour.part == settings.part:
            yield KeyChange(words, (holder(neighbour),), reading)


def _of_architecture(settings: RotationSettings, config: Mapping[str, Any]) -> Iterator[KeyChange]:
    """Yield what stands where a configuration says nothing, as if it did."""
    for default in config_settings(_without_rotation(config)):
        if default.part == settings.part and default.layers in ("", settings.layers):
            words = "none of the rotary keys is read: what turns is the default of the architecture"
            keys = tuple(filter(None, (settings.path("theta"), settings.path("kind"))))
            yield KeyChange(words, keys, default, 2 * LIKELY)


def _without_rotation(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without the keys of its rotation, its sizes apart."""
    keys = {*MAPPINGS, *LOCAL_THETAS, *KEYS["theta"], *KEYS["partial"], *KEYS["original_length"]}
    return {
        key: _without_rotation(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if key not in keys
    }


def _other_thetas(settings: RotationSettings, config: Mapping[str, Any]) -> Iterator[KeyChange]:
    """Yield each theta that stands elsewhere in the configuration."""
    for path, value in _numbers(config):
        key = path.rpartition(".")[2]
        if path != settings.path("theta") and any(name in key for name in _THETAS):
            words = f"theta is read from {path}, {number(value)}, and not from {key_name(settings, 'theta')}"
            yield KeyChange(words, (path,), settings.change(theta=value), POSSIBLE)


def _numbers(config: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, float]]:
    for key, value in config.items():
        at = f"{path}{key}"
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{at}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield at, float(value)


def _special_rows(settings: RotationSettings, right: Tensor) -> Iterator[KeyVariation]:
    """Yield rows that no reading of a key gives: a scaling twice, exponents over another width."""
    theta, lanes = settings.number("theta"), 2 * len(right)
    if theta is None:
        return
    if rope_type(settings) not in _WITHOUT_SCALING:
        yield from _scaling_rows(settings, right, theta)
    head = declared_rotation(settings).head_dim
    if head and head > lanes and head % 2 == 0:
        words = f"the exponents run over head_dim, {head}, where they belong over the {lanes} lanes that turn"
        yield KeyVariation(words, ("head_dim",), inverse_frequencies(head, theta)[: len(right)])
    yield from _row_of_sections(settings, theta, len(right))
    yield from _rows_of_one_axis(settings, right, theta)
    for dtype in (torch.bfloat16, torch.float16):
        words = (
            f"the frequencies are those of the configuration, rounded to {str(dtype).split('.')[1]}"
        )
        yield KeyVariation(words, (), right.to(dtype).double())


def _scaling_rows(
    settings: RotationSettings, right: Tensor, theta: float
) -> Iterator[KeyVariation]:
    """Yield the scaling twice, the wrong way round, and as NTK scaling."""
    lanes, name = 2 * len(right), holder(settings)
    plain = inverse_frequencies(lanes, theta)  # (K,)
    share = right / plain  # (K,)
    if bool((share != 1).any()):
        yield KeyVariation(f"{name} is applied twice", (name,), right * share)
        words = f"{name} is applied the wrong way round: faster, not slower"
        yield KeyVariation(words, (name,), plain / share)
    factor = settings.number("factor")
    if factor and factor > 1 and lanes > 2:
        words = f"{name} is computed as NTK scaling by {number(factor)} at every length"
        row = Ntk(factor, theta).inverse_frequencies(lanes)  # (K,)
        yield KeyVariation(words, (name,), row, POSSIBLE)


def _rows_of_one_axis(
    settings: RotationSettings, right: Tensor, theta: float
) -> Iterator[KeyVariation]:
    """Yield that one axis turns by another theta than the others."""
    order = axis_order(declared_rotation(settings))
    if rope_type(settings) not in ("axial", "axes") or order is None:
        return
    for value in {*WELL_KNOWN_THETAS, theta / 10, theta / 2, 2 * theta, 10 * theta} - {theta}:
        row = _row(settings.change(theta=value), 1)
        for axis, name in enumerate(order.names):
            if row is not None and len(row) == len(right) == len(order.axes):
                words = f"the pairs of {name} turn by theta {number(value)}, where {number(theta)} is declared"
                keys = (key_name(settings, "theta"),)
                yield KeyVariation(words, keys, row.where(order.axes == axis, right), POSSIBLE)


def _row_of_sections(
    settings: RotationSettings, theta: float, pairs: int
) -> Iterator[KeyVariation]:
    """Yield that each section of M-RoPE has a row of frequencies of its own."""
    sections = [int(section) for section in settings.numbers("sections")]
    if sum(sections) == pairs and len(sections) > 1 and min(sections) > 0:
        rows = [inverse_frequencies(2 * section, theta) for section in sections]
        words = f"each of the sections {tuple(sections)} has a row of frequencies of its own, where one is cut"
        yield KeyVariation(words, (key_name(settings, "sections"),), torch.cat(rows))
