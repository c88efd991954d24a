"""The schedules are those of the libraries that define them,
and are known again from their frequencies."""

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import GPTNeoXConfig, LlamaConfig, PhiConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.gpt_neox.modeling_gpt_neox import GPTNeoXRotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.phi.modeling_phi import PhiRotaryEmbedding
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLTextConfig
from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLRotaryEmbedding
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLTextConfig
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextRotaryEmbedding

from rotcheck.convention.sections import Sections, sections
from rotcheck.rotary import angles, inverse_frequencies, lanes
from rotcheck.rotary.recognition import recognise
from rotcheck.rotary.schedules import (
    Linear,
    Llama3,
    LongRope,
    Ntk,
    OverHeadDim,
    Plain,
    Proportional,
    Schedule,
    Yarn,
)
from rotcheck.rotary.tables import section_axes

LONGEST = 131072
SHORT = tuple(1 + 0.01 * i for i in range(48))
LONG = tuple(1 + 0.9 * i for i in range(48))
PHI3 = {
    "short_factor": list(SHORT),
    "long_factor": list(LONG),
    "original_max_position_embeddings": 4096,
}
YARN = {"original_max_position_embeddings": 4096, "factor": 40.0}
DEEPSEEK = {"mscale": 0.707, "mscale_all_dim": 1.0}
LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}

# rope_type, the rest of rope_parameters (theta is 10000 unless given), head_dim, length, the
# schedule
DEFINED = [
    ("linear", {"factor": 4.0, "rope_theta": 5e5}, 128, None, Linear(4.0, 5e5)),
    ("dynamic", {"factor": 2.0}, 128, 4 * LONGEST, Ntk(7.0)),
    ("dynamic", {"factor": 2.0}, 128, 100, Ntk(1.0)),
    ("yarn", YARN, 64, None, Yarn(40.0, 4096)),
    ("yarn", YARN | DEEPSEEK, 64, None, Yarn(40.0, 4096, mscale=0.707, mscale_all_dim=1.0)),
    ("yarn", YARN | {"attention_factor": 0.75}, 64, None, Yarn(40.0, 4096, attention=0.75)),
    ("yarn", YARN | {"truncate": False, "rope_theta": 1.5e5}, 64, None, Yarn(40.0, 4096, 1.5e5, truncate=False)),
    ("yarn", YARN | {"beta_fast": 8.0, "beta_slow": 2.0}, 64, None, Yarn(40.0, 4096, beta_fast=8.0, beta_slow=2.0)),
    ("yarn", YARN | {"partial_rotary_factor": 0.25}, 128, None, Yarn(40.0, 4096)),
    # the edges: nothing lies between (transformers' 0.001), both ends before the first pair, the
    # last end after all
    ("yarn", YARN | {"truncate": False, "beta_fast": 1.0}, 64, None, Yarn(40.0, 4096, truncate=False, beta_fast=1.0)),
    ("yarn", YARN | {"original_max_position_embeddings": 4}, 64, None, Yarn(40.0, 4)),
    ("yarn", YARN | {"original_max_position_embeddings": 2**31}, 64, None, Yarn(40.0, 2**31)),
    ("llama3", LLAMA3 | {"factor": 8.0, "rope_theta": 5e5}, 128, None, Llama3(8.0, 8192, 5e5)),
    ("llama3", LLAMA3 | {"factor": 32.0, "rope_theta": 5e5}, 64, None, Llama3(32.0, 8192, 5e5)),
    ("llama3", LLAMA3 | {"factor": 16.0, "high_freq_factor": 1.0}, 128, None, Llama3(16.0, 8192, high_freq_factor=1.0)),
    ("longrope", PHI3, 96, None, LongRope(SHORT, LONG, 4096, LONGEST / 4096)),
    ("longrope", PHI3, 96, 4096, LongRope(SHORT, LONG, 4096, LONGEST / 4096, 4096)),
    ("longrope", PHI3, 96, 4097, LongRope(SHORT, LONG, 4096, LONGEST / 4096, 4097)),
    ("longrope", PHI3 | {"factor": 0.5}, 96, None, LongRope(SHORT, LONG, 4096, 0.5)),
    ("longrope", PHI3 | {"attention_factor": 1.19}, 96, None, LongRope(SHORT, LONG, 4096, 2.0, attention=1.19)),
    ("longrope", PHI3 | {"partial_rotary_factor": 0.75}, 128, None, LongRope(SHORT, LONG, 4096, LONGEST / 4096)),
    ("proportional", {"rope_theta": 1e6, "partial_rotary_factor": 0.25}, 512, None, Proportional(0.25, 1e6)),
    ("proportional", {"partial_rotary_factor": 0.3, "factor": 8.0}, 64, None, Proportional(0.3, factor=8.0)),
]  # fmt: skip
DEFINED_IDS = [f"{kind}-{schedule}"[:90] for kind, _, _, _, schedule in DEFINED]


def config(kind: type, head_dim: int = 128, **parameters: Any) -> Any:
    parameters = {"rope_type": "default", "rope_theta": 10000.0} | parameters
    sizes = {
        "num_attention_heads": 2,
        "hidden_size": 2 * head_dim,
        "max_position_embeddings": LONGEST,
    }
    if kind not in (GPTNeoXConfig, PhiConfig):  # theirs follows from the two others
        sizes["head_dim"] = head_dim
    return kind(**sizes, rope_parameters=parameters)


def of_transformers(
    kind: str, parameters: dict[str, Any], head_dim: int, length: int | None
) -> tuple[Tensor, float]:
    llama = config(LlamaConfig, head_dim, rope_type=kind, **parameters)
    frequencies, attention_factor = ROPE_INIT_FUNCTIONS[kind](
        llama, torch.device("cpu"), seq_len=length
    )
    return frequencies.double(), attention_factor


def departure(found: Tensor, expected: Tensor) -> float:
    assert found.shape == expected.shape
    return torch.where(found == expected, 0, (found / expected - 1).abs()).max().item()


def test_every_schedule_of_transformers_is_here() -> None:
    assert {kind for kind, *_ in DEFINED} == set(ROPE_INIT_FUNCTIONS)


@pytest.mark.parametrize(
    ("kind", "parameters", "head_dim", "length", "schedule"), DEFINED, ids=DEFINED_IDS
)
def test_a_schedule_is_that_of_transformers(
    kind: str, parameters: dict[str, Any], head_dim: int, length: int | None, schedule: Schedule
) -> None:
    """transformers computes in float32: eight of its rounding steps, 1e-6, are allowed."""
    theirs, attention_factor = of_transformers(kind, parameters, head_dim, length)
    fraction = 1.0 if kind == "proportional" else parameters.get("partial_rotary_factor", 1.0)
    ours = schedule.inverse_frequencies(int(head_dim * fraction))
    assert ours.dtype == torch.float64
    assert departure(theirs, ours) < 1e-6
    assert schedule.attention_factor == pytest.approx(attention_factor, rel=1e-15)


@pytest.mark.parametrize(
    ("module", "kind", "fraction"),
    [
        (LlamaRotaryEmbedding, LlamaConfig, 1.0),
        (GPTNeoXRotaryEmbedding, GPTNeoXConfig, 0.25),
        (PhiRotaryEmbedding, PhiConfig, 0.4),
    ],
)
def test_plain_and_partial_are_those_of_llama_gpt_neox_and_phi(
    module: type, kind: type, fraction: float
) -> None:
    theirs = module(config(kind, 80, partial_rotary_factor=fraction)).inv_freq.double()
    assert departure(theirs, Plain().inverse_frequencies(int(80 * fraction))) < 1e-6


POSITIONS = torch.tensor(
    [[0, 1, 2, 257, 300], [0, 7, 3, 1, 290], [0, 0, 9, 64, 5]]
)  # (axes, S), no two axes alike


@pytest.mark.parametrize("pairs", [64, 32, 10, 4])
@pytest.mark.parametrize(
    ("module", "kind", "order"),
    [
        (Qwen2VLRotaryEmbedding, Qwen2VLTextConfig, "blocks"),
        (Qwen3VLTextRotaryEmbedding, Qwen3VLTextConfig, "interleaved"),
    ],
)
def test_m_rope_is_that_of_qwen(module: type, kind: type, order: Sections, pairs: int) -> None:
    """Within 1e-4: float32 has angles up to 300, whose rounding step is 3e-5."""
    theirs = module(config(kind, 2 * pairs, rope_theta=1e6, mrope_section=list(sections(pairs))))
    cos, sin = theirs(torch.ones(1), POSITIONS[:, None])  # (1, S, head_dim) each
    of_pairs = POSITIONS[section_axes(pairs, order)].T  # (S, P)
    turns = of_pairs * inverse_frequencies(2 * pairs, 1e6)
    both = lanes(torch.stack((turns, turns), -1), "half")  # (S, head_dim)
    assert (cos[0] - both.cos()).abs().max() < 1e-4
    assert (sin[0] - both.sin()).abs().max() < 1e-4


@pytest.mark.parametrize("order", ["blocks", "interleaved"])
@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_so_few_pairs_all_turn_with_time(order: Sections, pairs: int) -> None:
    assert section_axes(pairs, order).tolist() == [0] * pairs


@pytest.mark.parametrize("rotary_dim", [20, 64, 128])
def test_interpolated_positions_are_positions_over_the_factor(rotary_dim: int) -> None:
    """By a power of two this is exact, up to 2**20."""
    positions = torch.tensor([4, 4 * 257, 2**20])
    assert torch.equal(
        positions[:, None] * Linear(4.0).inverse_frequencies(rotary_dim),
        angles(positions // 4, rotary_dim),
    )


@pytest.mark.parametrize("rotary_dim", [20, 64, 128])
def test_ntk_keeps_the_first_pair_and_interpolates_the_last_by_its_scale(rotary_dim: int) -> None:
    ratio = inverse_frequencies(rotary_dim) / Ntk(4.0).inverse_frequencies(rotary_dim)
    assert ratio[0] == 1
    assert ratio[-1].item() == pytest.approx(4, rel=1e-14)
    assert (ratio.diff() > 0).all()


@pytest.mark.parametrize("schedule", [Yarn(4.0, 4096), Llama3(4.0, 4096)], ids=str)
def test_a_blend_keeps_the_fast_pairs_and_interpolates_the_slow_ones(
    schedule: Yarn | Llama3,
) -> None:
    ratio = inverse_frequencies(64) / schedule.inverse_frequencies(64)
    turns = 4096 * inverse_frequencies(64) / (2 * torch.pi)  # in the original length
    assert (ratio[turns > 40] == 1).all()
    assert torch.allclose(ratio[turns < 0.5], torch.tensor(4.0, dtype=torch.float64), rtol=1e-15)
    assert ((ratio[1:] >= ratio[:-1]) & (ratio[1:] <= 4 + 1e-14)).all()


def test_llama3_is_the_same_when_both_factors_and_the_length_are_doubled() -> None:
    one, other = (
        Llama3(8.0, 8192, 5e5),
        Llama3(8.0, 16384, 5e5, low_freq_factor=2.0, high_freq_factor=8.0),
    )
    assert torch.equal(one.inverse_frequencies(128), other.inverse_frequencies(128))


ONE_OF_EACH = [
    Plain(),
    Linear(4.0),
    Ntk(4.0),
    Yarn(4.0, 4096),
    Llama3(4.0, 4096),
    OverHeadDim(64),
    Proportional(0.5),
]


@pytest.mark.parametrize("schedule", ONE_OF_EACH, ids=str)
@pytest.mark.parametrize("rotary_dim", [-2, 0, 1, 63])
def test_an_odd_or_empty_rotary_dim_is_refused_by_its_number(
    schedule: Schedule, rotary_dim: int
) -> None:
    with pytest.raises(
        ValueError, match=f"rotary_dim is {rotary_dim}; it must be positive and even"
    ):
        schedule.inverse_frequencies(rotary_dim)


@pytest.mark.parametrize(
    ("schedule", "rotary_dim", "message"),
    [
        (Ntk(4.0), 2, "rotary_dim is 2; NTK scaling needs 4 or more"),
        (
            LongRope(SHORT, LONG[:5], 4096, 2.0, 4097),
            96,
            "long has 5 factors; rotary_dim 96 has 48 pairs",
        ),
        (LongRope(SHORT, LONG, 4096, 2.0), 64, "short has 48 factors; rotary_dim 64 has 32 pairs"),
        (
            Llama3(8.0, 8192, high_freq_factor=0.5),
            64,
            "high_freq_factor is 0.5; it must not be under",
        ),
        (OverHeadDim(64), 96, "rotary_dim is 96; it must not be over head_dim, 64"),
        (Proportional(1.5), 64, "proportion is 1.5; it must not be over 1"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_its_numbers(
    schedule: Schedule, rotary_dim: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        schedule.inverse_frequencies(rotary_dim)


@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan")])
def test_a_number_that_is_not_positive_is_refused_by_its_name(value: float) -> None:
    with pytest.raises(
        ValueError, match=f"Yarn: factor is {value}; it must be positive and finite"
    ):
        Yarn(value, 4096)


# ---- and back


def measured(schedule: Schedule, rotary_dim: int, off: float = 1e-5) -> Tensor:
    """The frequencies as a measurement gives them: each pair off by up to `off`."""
    exact = schedule.inverse_frequencies(rotary_dim)
    noise = (
        2 * torch.rand(exact.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
        - 1
    )
    return exact * (1 + off * noise)


@pytest.mark.parametrize("rotary_dim", [16, 64, 80, 128, 256])
@pytest.mark.parametrize(
    "schedule",
    [Plain(theta) for theta in (1e4, 5e5, 1e6, 8e6, 25000.0)]
    + [Linear(4.0), Linear(2.5, 1e6), Linear(8.0, 5e5)],
    ids=str,
)
def test_plain_and_linear_are_known_again_and_nothing_else_explains_them(
    schedule: Schedule, rotary_dim: int
) -> None:
    found = recognise(measured(schedule, rotary_dim))
    assert (found.schedule, found.alternatives, found.rotary_dim) == (schedule, (), rotary_dim)
    assert found.departure <= 1.01e-5


@pytest.mark.parametrize("rotary_dim", [64, 128])
@pytest.mark.parametrize(
    "schedule",
    [
        Llama3(8.0, 8192, 5e5),
        Llama3(32.0, 8192, 5e5),
        Llama3(16.0, 8192, 5e5, high_freq_factor=1.0),
        Yarn(4.0, 32768, 1e6),
        Yarn(40.0, 4096),
        Yarn(32.0, 4096, 1.5e5, truncate=False),
        Yarn(4.0, 131072),  # its last pair is not wholly interpolated
        Yarn(3.125, 8192, 3.7e5),
    ],
    ids=str,
)
def test_blends_are_known_again(schedule: Schedule, rotary_dim: int) -> None:
    found = recognise(measured(schedule, rotary_dim))
    assert schedule in (found.schedule, *found.alternatives)
    assert {type(each) for each in (found.schedule, *found.alternatives)} == {type(schedule)}


@pytest.mark.parametrize(
    "case", [case for case in DEFINED if case[0] in ("linear", "llama3")], ids=str
)
def test_tables_of_transformers_are_known_again(
    case: tuple[str, dict[str, Any], int, int | None, Schedule],
) -> None:
    assert recognise(of_transformers(*case[:4])[0]).schedule == case[4]


def test_lengths_that_frequencies_cannot_tell_are_all_named() -> None:
    """With few pairs, the whole pairs between which YaRN blends are the same for two lengths."""
    found = recognise(measured(Yarn(4.0, 32768, 1.1e6), 32))
    assert found.schedule == Yarn(4.0, 16384, 1.1e6)
    assert found.alternatives == (Yarn(4.0, 32768, 1.1e6),)


def test_a_theta_rescaled_by_ntk_is_named_beside_the_plain_reading() -> None:
    found = recognise(measured(Ntk(7.0), 128))
    assert found.schedule == Ntk(7.0)
    assert found.alternatives == (Plain(72196.0),)


def test_frequencies_over_head_dim_are_named_beside_the_plain_reading() -> None:
    """The known mistake N8: without head_dim it is a plain schedule of an odd theta,
    and no more can be said."""
    mistaken = measured(OverHeadDim(64), 48)
    assert recognise(mistaken).schedule == Plain(1000.0)
    assert recognise(mistaken).alternatives == ()
    found = recognise(mistaken, head_dim=64)
    assert found.schedule == OverHeadDim(64)
    assert found.alternatives == (Plain(1000.0),)


def test_a_right_partial_rotary_is_plain_with_head_dim_as_without() -> None:
    found = recognise(measured(Plain(), 16), head_dim=64)
    assert (found.schedule, found.alternatives) == (Plain(), ())


@pytest.mark.parametrize(
    "schedule", [Proportional(0.25, 1e6), Proportional(0.5, factor=8.0)], ids=str
)
def test_pairs_that_stand_still_make_it_proportional(schedule: Proportional) -> None:
    found = recognise(measured(schedule, 256))
    assert found.schedule == schedule
    assert found.rotary_dim == 256 * schedule.proportion
    assert [type(each) for each in found.alternatives] == [
        Plain if schedule.factor == 1 else Linear
    ]


def test_longrope_is_named_only_when_it_is_asked_for() -> None:
    longrope = LongRope(SHORT, LONG, 4096, 32.0, 8192)
    found = recognise(measured(longrope, 96))
    assert found.schedule is None
    assert found.departure > 0.1
    assert recognise(measured(longrope, 96), candidates=[Plain(), longrope]).schedule == longrope


def test_a_schedule_that_is_known_goes_before_others_that_fit() -> None:
    found = recognise(measured(Ntk(4.0), 64), candidates=[Plain(41829.27)])
    assert found.schedule == Plain(41829.27)
    assert Ntk(4.0) in found.alternatives


def test_one_wrong_pair_is_not_explained_away_but_found() -> None:
    frequencies = measured(Plain(5e5), 128)
    frequencies[41] *= 1.003
    found = recognise(frequencies)
    assert (found.schedule, found.pair) == (None, 41)
    assert found.departure == pytest.approx(0.003, rel=0.02)
    assert (
        str(found)
        == "no known schedule; from the nearest geometric row: worst departure 3.0e-03, at pair 41"
    )


def test_frequencies_rounded_to_bfloat16_are_no_schedule_unless_that_is_allowed() -> None:
    rounded = inverse_frequencies(64).bfloat16().double()
    assert recognise(rounded).schedule is None
    assert 1e-3 < recognise(rounded).departure < 4e-3
    assert recognise(rounded, tolerance=2**-8).schedule == Plain()


@pytest.mark.parametrize("rotary_dim", [16, 64, 128])
@pytest.mark.parametrize("ratio", [0.25, 0.61803, 0.99])
def test_a_slow_pair_that_is_wrong_is_not_taken_for_a_blend(rotary_dim: int, ratio: float) -> None:
    """Some factor of YaRN explains the last pair whatever it is;
    only the pairs before it can bear that out."""
    frequencies = inverse_frequencies(rotary_dim)
    frequencies[-1] *= ratio
    found = recognise(frequencies)
    assert (found.schedule, found.pair) == (None, rotary_dim // 2 - 1)


@pytest.mark.parametrize(
    "frequencies",
    [
        [1.0, 1.0, 1.0, 0.5, 0.2],
        [1.0, 1e-40, 1e-200],
        [5.0, 1e-300, 1.0],
        [1.0, 2.0, 1e9, 0.0],
        [1e-300, 1e300],
        [1.0, 1e-20, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ],
    ids=str,
)
def test_frequencies_of_no_use_are_answered_all_the_same(frequencies: list[float]) -> None:
    found = recognise(torch.tensor(frequencies, dtype=torch.float64), head_dim=512)
    assert found.schedule is None or found.departure <= 2e-5


def test_noise_is_no_schedule() -> None:
    generator = torch.Generator().manual_seed(7)
    for pairs in (8, 32, 64):
        drawn = (
            torch.rand(pairs, dtype=torch.float64, generator=generator).sort(descending=True).values
        )
        assert recognise(drawn).schedule is None


def test_what_was_recognised_says_itself_in_words() -> None:
    said = str(recognise(Ntk(7.0).inverse_frequencies(128), head_dim=128))
    assert said.startswith("Ntk(scale=7.0, theta=10000.0) over 128 lanes: worst departure ")
    assert said.endswith("\n  or Plain(theta=72196.0)")


@pytest.mark.parametrize(
    "frequencies",
    [
        [1.0],
        [1.0, 0.0, 0.0],
        [1.0, 0.0, 0.1],
        [1.0, -0.1],
        [1.0, float("nan")],
        [float("inf"), 1.0],
    ],
    ids=str,
)
def test_frequencies_that_are_none_are_refused(frequencies: list[float]) -> None:
    with pytest.raises(
        ValueError, match="two pairs or more must turn, by positive and finite frequencies"
    ):
        recognise(torch.tensor(frequencies, dtype=torch.float64))


@pytest.mark.parametrize(
    "frequencies", [torch.ones(4), torch.ones(2, 4, dtype=torch.float64)], ids=["float32", "2-D"]
)
def test_frequencies_of_another_dtype_or_shape_are_refused(frequencies: Tensor) -> None:
    with pytest.raises(TypeError, match=r"frequencies are torch\.\S+ \(.*\); give float64"):
        recognise(frequencies)
