"""Where a model parts from its configuration, and that the key is named that explains it."""

import math
from dataclasses import replace

import pytest
import torch
from planted_readings import AMPLITUDES, PLANTED, config_of, flat, turn
from public_configs import CONFIGS

from rotcheck.model.declared.axis_order import axis_order, order_words
from rotcheck.model.declared.declared_rotation import declared_rotations
from rotcheck.model.declared.rotation_difference import first_parting, rotation_difference


@pytest.mark.parametrize("name", PLANTED)
def test_a_key_that_is_not_read_as_written_is_named(name: str) -> None:
    model, index, measure, length, words = PLANTED[name]
    config = config_of(model)
    row, amplitude = measure(config)
    declared = declared_rotations(config)[index]
    difference = rotation_difference(declared, config, row, amplitude, length)
    assert difference.position is not None
    assert not difference.agrees
    assert [each for each in words if each not in str(difference)] == []
    assert len(difference.explanations) <= 2, str(difference)


@pytest.mark.parametrize("name", CONFIGS)
def test_float32_does_what_is_declared(name: str) -> None:
    config, _ = CONFIGS[name]
    for declared in declared_rotations(config):
        for length in (1, 1 << 20):
            row = declared.frequencies(length).float().double()
            difference = rotation_difference(declared, config, row, declared.amplitude, length)
            assert difference.agrees
            assert str(difference) == "does what is declared"


@pytest.mark.parametrize(
    "name",
    [
        "Llama 3.1 8B",
        "gpt-oss 20B",
        "Qwen2.5 7B with YaRN",
        "Command R",
        "Phi-4 mini",
        "InternLM2 7B",
    ],
)
@pytest.mark.parametrize("length", [100, 100000])
def test_what_transformers_turns_by_is_what_is_declared(name: str, length: int) -> None:
    config = config_of(name)
    (declared,) = declared_rotations(config)
    row, amplitude = turn(flat(config), length)
    assert rotation_difference(declared, config, row, amplitude, length).agrees


@pytest.mark.parametrize("name", AMPLITUDES)
def test_another_attention_factor_is_explained(name: str) -> None:
    model, amplitude, words = AMPLITUDES[name]
    config = config_of(model)
    (declared,) = declared_rotations(config)
    difference = rotation_difference(declared, config, declared.frequencies(1), amplitude)
    assert difference.position is None
    assert not difference.agrees
    assert words in str(difference)


def _parts_first(right: torch.Tensor, row: torch.Tensor, farthest: int) -> int | None:
    """The first position at which an angle is off, by trying each."""
    positions = torch.arange(1, farthest + 1, dtype=torch.float64)
    gaps = positions[:, None] * (row - right)  # (S, P)
    off = (torch.remainder(gaps + math.pi, 2 * math.pi) - math.pi).abs().amax(-1) >= 0.01  # (S,)
    return int(off.nonzero()[0]) + 1 if off.any() else None


@pytest.mark.parametrize("scale", [1e-1, 1e-3, 1e-5, 1e-7, 4.0])
def test_the_first_position_is_the_first_one_of_all(scale: float) -> None:
    torch.manual_seed(int(1 / scale))
    right = torch.rand(8, dtype=torch.float64)
    row = right + scale * torch.rand(8, dtype=torch.float64)
    position, pair = first_parting(right, row, 0.0, 4096)
    assert position == _parts_first(right, row, 4096)
    assert (pair is None) == (position is None)


def test_a_pair_that_turns_by_whole_turns_more_is_no_other() -> None:
    right = torch.tensor([1.0, 0.1], dtype=torch.float64)
    assert first_parting(right, right + torch.tensor([2 * math.pi, 0.0], dtype=torch.float64)) == (
        None,
        None,
    )


def test_a_pair_that_only_one_of_both_has_stands_still_in_the_other() -> None:
    right = torch.tensor([1.0, 0.001], dtype=torch.float64)
    assert first_parting(right, right[:1]) == first_parting(right[:1], right) == (10, 1)


def test_frequencies_that_rounding_moves_are_the_same() -> None:
    right = torch.tensor([1.0, 0.1], dtype=torch.float64)
    row = right * (1 + 2**-20)
    assert first_parting(right, row) == (None, None)
    assert first_parting(right, row, tolerance=1e-7) == (10486, 0)  # 0.01 * 2**20 = 10485.76


def test_the_axes_of_sections_are_told_apart() -> None:
    def first(name: str):  # type: ignore[no-untyped-def]
        return next(each for each in declared_rotations(CONFIGS[name][0]) if each.sections)

    blocks, dealt = first("Qwen2-VL 7B"), first("Qwen3-VL 8B")
    right, other = axis_order(blocks), axis_order(dealt)
    assert right is not None
    assert other is not None
    assert str(right) == "time 16, height 24, width 24 pairs, one after another"
    assert other.axes[:6].tolist() == [0, 1, 2, 0, 1, 2]
    assert other.axes.bincount().tolist() == [24, 20, 20]
    assert order_words(blocks, right, right.axes) == order_words(dealt, other, other.axes) == ""
    ignored = order_words(blocks, right, right.axes * 0)
    assert ignored.startswith("pair 16 turns with time, where height is declared: ")
    assert ignored.endswith("mrope_section is ignored: all pairs turn with time")
    swapped = torch.tensor([0, 2, 1])
    assert "exchanged: time, width, height" in order_words(blocks, right, swapped[right.axes])
    axes = torch.arange(3).repeat_interleave(torch.tensor([24, 20, 20]))
    assert "one after another, where they are interleaved" in order_words(dealt, other, axes)
    assert axis_order(declared_rotations(CONFIGS["Command R"][0])[0]) is None
    assert axis_order(replace(blocks, sections=(-1, 65))) is None


def test_frequencies_that_were_measured_at_small_positions_are_explained_all_the_same() -> None:
    config = config_of("Llama 3.1 8B")
    (declared,) = declared_rotations(config)
    torch.manual_seed(0)
    noise = 1e-6 / 31  # an angle in float32, at position 31
    off = noise * (2 * torch.rand(64, dtype=torch.float64) - 1)
    right = rotation_difference(declared, config, declared.frequencies(1) + off, noise=noise)
    assert right.agrees
    row, _ = turn(flat(config, theta=1e4))
    difference = rotation_difference(declared, config, row + off, noise=noise)
    assert "rope_theta is ignored: it is 10,000" in str(difference)
    assert len(difference.explanations) == 1


@pytest.mark.parametrize(
    "change",
    [{"head_dim": 129, "rotary_dim": 64}, {"mrope_section": [-1, 65]}, {"rope_theta": 1e-3}],
    ids=str,
)
def test_sizes_that_nobody_means_are_no_reason_to_fail(change: dict[str, object]) -> None:
    config = config_of("Command R") | change
    (declared,) = declared_rotations(config)
    difference = rotation_difference(declared, config, declared.frequencies(1) * 1.3)
    assert "no single key explains it" in str(difference)


def test_a_pair_that_stands_still_is_measured_as_nearly_so() -> None:
    config = config_of("Gemma 4")
    declared = declared_rotations(config)[0]
    off = 1e-8 * torch.ones(256, dtype=torch.float64)
    row = declared.frequencies(1) + off
    assert rotation_difference(declared, config, row, noise=2e-8).agrees
    assert not rotation_difference(declared, config, row).agrees
