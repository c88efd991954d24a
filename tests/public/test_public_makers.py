"""Public bug reports of what makes angles: the fault is found and named, and the mended version is not accused."""

import pytest
import reported
import torch

from rotcheck.context.angle_recognition import recognise
from rotcheck.implementations.target import resolve
from rotcheck.report.pages.identification import lines
from rotcheck.results import Identification

CPU = torch.device("cpu")
MAKERS = {
    "positions_ignored": "LlamaRotaryEmbedding",
    "llama3_bands": "Llama3RotaryEmbedding",
    "yarn_amplitude": "YarnRoPE.compute_sincos",
    "dynamic_ntk_constant": "DynamicNTKScalingRotaryEmbedding",
    "batch_summed": "LlamaRotaryEmbedding",
    "longrope_by_capacity": "Phi3LongRoPERotaryEmbedding",
    "points_in_blocks": "build_2d_rope",
    "dynamic_not_reset": "DynamicNTKRotaryEmbedding",
    "grid_exchanged": "RotaryEmbedding2d",
    "proportional_partial": "Gemma4GlobalRotaryEmbedding",
}
WRONG = {
    "positions_ignored": ("positions-ignored", "position_ids changes nothing"),
    "llama3_bands": ("bands-exchanged", "its fast pairs, 0 to 28, are divided by 8"),
    "dynamic_ntk_constant": ("not-dynamic", "named dynamic"),
    "batch_summed": ("per-batch", "positions of all batch rows"),
    "longrope_by_capacity": ("long-factors", "below the original length of 4096"),
    "dynamic_not_reset": ("kept-length", "keeps the frequencies of the longest sequence"),
    "grid_exchanged": ("grid-exchanged", "rows and columns are exchanged"),
}
# no positions in a row, and what shows in a second call
APART = {"grid_exchanged", "dynamic_not_reset"}
IN_CONTEXT = sorted(set(WRONG) - APART)


def specification(name: str, version: str, kind: str | None = None) -> str:
    return reported.specification(f"{name}:{kind or MAKERS[name]}", version)


def told(name: str, version: str, kind: str | None = None) -> Identification:
    return reported.told(f"{name}:{kind or MAKERS[name]}", version)


@pytest.mark.parametrize("name", WRONG)
def test_the_fault_is_found_and_named(name: str) -> None:
    code, words = WRONG[name]
    found = {one.code: one.message for one in told(name, "faulty").findings if one.mistake}
    assert told(name, "faulty").answer == "wrong"
    assert words in found[code]


@pytest.mark.parametrize("name", MAKERS)
def test_the_mended_version_is_not_accused(name: str) -> None:
    assert [one.code for one in told(name, "fixed").findings if one.mistake] == []
    assert told(name, "fixed").answer == "right"


@pytest.mark.parametrize("name", IN_CONTEXT)
def test_context_tells_the_same_of_both(name: str) -> None:
    faulty, fixed = (
        resolve(specification(name, version), "cpu") for version in ("faulty", "fixed")
    )
    assert WRONG[name][0] in [code for code, _ in recognise(faulty, "cpu").faults]
    assert recognise(fixed, "cpu").faults == ()


def test_yarn_without_its_amplitude_is_not_understood() -> None:
    """DeepSeek has it so by design, and then its configuration says so."""
    faulty, fixed = told("yarn_amplitude", "faulty"), told("yarn_amplitude", "fixed")
    assert faulty.answer == "unknown"
    words = "YaRN with factor 16 asks for cos and sin scaled by 0.1 ln 16 + 1 = 1.277; they are scaled by 1 "
    assert next(lines(faulty))[:2] == ("why", faulty.message)
    assert (faulty.message or "").startswith(words)
    assert faulty.convention
    assert faulty.convention.amplitude is None
    assert fixed.convention
    assert fixed.convention.amplitude == pytest.approx(1.27726, abs=1e-4)


def test_blocks_and_turns_of_coordinates_are_told_apart() -> None:
    blocks, turns = (
        told("points_in_blocks", version).convention for version in ("faulty", "fixed")
    )
    assert blocks
    assert turns
    assert blocks.coordinates == (0,) * 32 + (1,) * 32
    assert turns.coordinates == (0, 1) * 32
    assert blocks.schedule != turns.schedule


def test_the_maker_of_a_grid_is_judged_as_what_rotates_by_it() -> None:
    both = (
        told("grid_exchanged", version, "RotaryEmbedding2d.get_embed")
        for version in ("faulty", "fixed")
    )
    assert [one.answer for one in both] == ["wrong", "right"]


def test_a_proportional_rotary_is_a_schedule_and_a_partial_one_another() -> None:
    partial, proportional = (
        told("proportional_partial", version).convention for version in ("faulty", "fixed")
    )
    assert partial
    assert proportional
    assert (partial.schedule, partial.rotary_dim) == ("Plain(theta=1000000.0)", 128)
    assert proportional.schedule == "Proportional(proportion=0.25, theta=1000000.0)"
