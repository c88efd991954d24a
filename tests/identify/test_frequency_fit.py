"""Frequencies made by hand from schedules: what is told of their angles,
and of what an object says of them."""

import pytest
import torch
from torch import Tensor

from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.coordinate_frequencies import of_axes, spans
from rotcheck.identify.angles.frequency_fit import Fit, fit_schedule
from rotcheck.identify.angles.grid_frequencies import of_side
from rotcheck.identify.angles.length_dependence import first_change, slows_down
from rotcheck.identify.angles.measured_angles import (
    PROBE_POSITIONS,
    Angles,
    estimate_frequencies,
    same_row,
)
from rotcheck.identify.angles.object_config import config_of, layer_types, layers_differ
from rotcheck.identify.angles.schedule_faults import (
    amplitude_missing,
    exchanged_bands,
    growing_frequencies,
    long_factors,
    not_dynamic,
)
from rotcheck.rotary.frequencies import wrap
from rotcheck.rotary.schedules import Linear, Llama3, LongRope, Ntk, Plain, Schedule, Yarn

WIDTH = 64


def angles_of(frequencies: Tensor, positions: tuple[int, ...] = PROBE_POSITIONS) -> Angles:
    """The angles (P,) at positions, as they can be measured."""
    return {position: wrap(position * frequencies) for position in positions}


@pytest.mark.parametrize(
    "schedule",
    [
        Plain(10000.0),
        Plain(500000.0),
        Plain(12345.0),
        Linear(4.0, 10000.0),
        Yarn(4.0, 4096, 10000.0),
        Llama3(8.0, 8192, 500000.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("direction", [1, -1])
def test_a_schedule_is_told_by_its_angles(schedule: Schedule, direction: int) -> None:
    frequencies = schedule.inverse_frequencies(WIDTH)
    fit = fit_schedule(angles_of(direction * frequencies), direction, WIDTH)
    assert schedule in (fit.schedule, *fit.alternatives)
    assert (fit.wrong_at, fit.longest, fit.turning) == (None, PROBE_POSITIONS[-1], WIDTH // 2)
    assert torch.allclose(fit.frequencies, frequencies, rtol=1e-6)


def test_ntk_is_another_theta() -> None:
    schedule = Ntk(2.0, 10000.0)
    fit = fit_schedule(angles_of(schedule.inverse_frequencies(WIDTH)), 1, WIDTH)
    assert schedule in (fit.schedule, *fit.alternatives)
    assert isinstance(fit.schedule, Plain | Ntk)


def test_an_object_that_speaks_of_longrope_is_believed_where_its_angles_agree() -> None:
    factors = tuple(1.0 + pair / 10 for pair in range(WIDTH // 2))
    schedule = LongRope(
        short=factors, long=factors, original_length=4096, factor=1.0, theta=10000.0
    )
    frequencies = schedule.inverse_frequencies(WIDTH)
    assert fit_schedule(angles_of(frequencies), 1, WIDTH).schedule is None
    assert (
        fit_schedule(angles_of(frequencies), 1, WIDTH, candidates=[schedule]).schedule == schedule
    )


def test_frequencies_of_no_schedule_are_right_all_the_same() -> None:
    frequencies = torch.linspace(1.0, 0.1, WIDTH // 2, dtype=torch.float64) ** 3
    fit = fit_schedule(angles_of(frequencies), 1, WIDTH)
    assert (fit.schedule, fit.wrong_at) == (None, None)


def test_rounded_frequencies_are_a_rounding_of_their_schedule() -> None:
    frequencies = Plain(10000.0).inverse_frequencies(WIDTH).to(torch.bfloat16).double()
    fit = fit_schedule(angles_of(frequencies), 1, WIDTH)
    assert fit.schedule == Plain(10000.0)
    assert fit.wrong_at is not None
    assert fit.why == "frequencies or angles are rounded to less than float32"
    assert not fit.past


def test_the_end_of_a_table_is_a_position_far_from_the_one_asked_for() -> None:
    frequencies = Plain(10000.0).inverse_frequencies(WIDTH)
    angles = {at: wrap(min(at, 2048) * frequencies) for at in PROBE_POSITIONS}
    fit = fit_schedule(angles, 1, WIDTH)
    assert (fit.wrong_at, fit.longest, fit.past) == (4097, 1000, True) or fit.wrong_at == 2049
    ends_at_1000 = {at: wrap(min(at, 1000) * frequencies) for at in PROBE_POSITIONS}
    fit = fit_schedule(ends_at_1000, 1, WIDTH)
    assert (fit.wrong_at, fit.longest, fit.past) == (2049, 1000, True)
    assert fit.why == "it is turned as position 1000 should be"


@pytest.mark.parametrize("rows", [512, 2048, 4096])
def test_a_table_that_ends_just_before_a_position_has_ended(rows: int) -> None:
    frequencies = Plain(10000.0).inverse_frequencies(WIDTH)
    angles = {at: wrap(min(at, rows - 1) * frequencies) for at in PROBE_POSITIONS}
    fit = fit_schedule(angles, 1, WIDTH)
    assert fit.past
    assert fit.why == f"it is turned as position {rows - 1} should be"


def test_positions_rounded_to_bfloat16_are_no_end_of_a_table() -> None:
    frequencies = Plain(10000.0).inverse_frequencies(WIDTH)
    angles = {at: wrap(float(torch.tensor(at).bfloat16()) * frequencies) for at in PROBE_POSITIONS}
    fit = fit_schedule(angles, 1, WIDTH)
    assert not fit.past
    assert fit.why == "it is turned as position 256 should be"


def test_a_first_position_that_turns_is_left_out_of_the_frequencies() -> None:
    frequencies = Plain(10000.0).inverse_frequencies(WIDTH)
    angles = {at: wrap((at + 3) * frequencies) for at in PROBE_POSITIONS}
    assert torch.allclose(estimate_frequencies(angles), frequencies, rtol=1e-6)


def test_a_row_is_the_same_as_far_as_rounding_tells() -> None:
    row = torch.tensor([1.0, 1e-3], dtype=torch.float64)
    assert same_row(row * (1 + 1e-6), row)
    assert not same_row(row * (1 + 1e-3), row)
    assert not same_row(row[:1], row)


def test_frequencies_that_slow_down_with_the_length_are_seen() -> None:
    fast = Plain(10000.0).inverse_frequencies(WIDTH)
    slow = Ntk(8.0, 10000.0).inverse_frequencies(WIDTH)
    steady = angles_of(fast, (0, 1, 2, 3, 5, 17, 100, 1000, 1001))
    assert not slows_down(steady)
    assert first_change(steady) is None
    dynamic = steady | angles_of(slow, (1000, 1001))
    assert slows_down(dynamic)
    assert first_change(dynamic) == 1000


def test_points_share_a_row_or_have_one_for_each_coordinate() -> None:
    row = Plain(100.0).inverse_frequencies(16)  # (P,), of each of two coordinates
    owners = [0] * len(row) + [1] * len(row)
    steps = torch.cat((row, 2 * row))  # the second coordinate is 2p at point p
    axes = of_axes(angles_of(steps, (0, 1, 2, 3)), owners, 0.0, ())
    assert (axes.rows, axes.twice, axes.fit.schedule) == (2, False, Plain(100.0))
    whole = Plain(10000.0).inverse_frequencies(32)
    owners = [0, 1] * 8
    steps = whole * torch.tensor([1, 2] * 8)
    axes = of_axes(angles_of(steps, (0, 1, 2, 3)), owners, 0.0, ())
    assert (axes.rows, axes.fit.schedule) == (1, Plain(10000.0))
    assert spans(owners, 1) == "1, 3, 5, 7, ..., 15"
    assert spans([0, 0, 1, 1], 1) == "2 to 3"


def test_the_side_of_a_grid_turns_by_places_or_by_a_range() -> None:
    row = Plain(10000.0).inverse_frequencies(16)

    def by_place(high: int, wide: int) -> Tensor:
        return (torch.arange(high)[:, None, None] * row).expand(-1, wide, -1).flatten(0, 1)

    def by_range(high: int, wide: int) -> Tensor:
        places = torch.linspace(-1, 1, high, dtype=torch.float64)[:, None, None]
        bands = torch.linspace(1, 8, 8, dtype=torch.float64) * torch.pi
        return (places * bands).expand(-1, wide, -1).flatten(0, 1)

    def refuses(high: int, wide: int) -> Tensor:
        raise ValueError("no grid")

    side = of_side(by_place, 0, range(8), 0.0, ())
    assert side is not None
    assert (side.words, side.doubt) == (str(Plain(10000.0)), "")
    side = of_side(by_range, 0, range(8), 0.0, ())
    assert side is not None
    assert side.words == "linspace(1, 8) pi over places that are mapped to -1 to 1"
    assert of_side(refuses, 0, range(8), 0.0, ()) is None


class Rotary:
    """An object with a configuration."""

    def __init__(self, **values: object) -> None:
        self.config = values


def test_an_object_says_its_schedule() -> None:
    yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}
    config = config_of(Rotary(rope_theta=1e6, head_dim=64, rope_scaling=yarn))
    assert (config.kind, config.theta, config.head_dim) == ("yarn", 1e6, 64)
    assert config.schedules() == (Yarn(4.0, 4096, 1e6),)
    assert config_of(Rotary(base=500.0)).schedules() == (Plain(500.0),)
    linear = config_of(Rotary(rope_scaling={"type": "linear", "factor": 2.0}))
    assert linear.schedules() == (Linear(2.0, 10000.0),)
    assert config_of(Rotary(hidden_size=128, num_attention_heads=4)).head_dim == 32
    assert config_of(Rotary(mscale=0.707)).holder(0.707) == "mscale"
    assert config_of(lambda x, theta=500.0: x).theta == 500.0


def test_a_module_with_frequencies_for_each_kind_of_layer_names_the_kinds() -> None:
    module = torch.nn.Module()
    module.register_buffer("full_inv_freq", torch.ones(4))
    module.register_buffer("sliding_inv_freq", torch.ones(4))
    assert layer_types(module) == ("full", "sliding")
    assert not layers_differ(module)
    module.register_buffer("sliding_inv_freq", torch.zeros(4))
    assert layers_differ(module)


def fit_of(schedule: Schedule, positions: tuple[int, ...] = PROBE_POSITIONS) -> Fit:
    """The fit of a schedule's angles, with the schedule among the candidates."""
    angles = angles_of(schedule.inverse_frequencies(WIDTH), positions)
    return fit_schedule(angles, 1, WIDTH, candidates=[schedule])


def test_another_base_than_the_object_says_is_a_contradiction() -> None:
    assert (
        contradiction(fit_of(Plain(10000.0)), config_of(Rotary(rope_theta=10000.0)), None, 5)
        is None
    )
    words = contradiction(fit_of(Plain(10000.0)), config_of(Rotary(rope_theta=500000.0)), None, 5)
    assert words is not None
    assert words.startswith(
        "it says rope_theta 500000, and its frequencies are those of theta 10000"
    )


def test_a_factor_in_the_exponent_is_a_contradiction() -> None:
    config = config_of(Rotary(rope_theta=10000.0, scaling_factor=2.0))
    words = contradiction(fit_of(Plain(100.0)), config, None, 5)
    assert words is not None
    assert "the factor divides the exponents" in words


def test_what_is_wrong_with_a_schedule_is_said() -> None:
    rising = 10000.0 ** (torch.arange(8, dtype=torch.float64) / 8)
    assert "grow from pair to pair" in growing_frequencies(
        angles_of(rising, (0, 1, 2, 3)), 1, 10000.0
    )
    falling = Plain(10000.0).inverse_frequencies(16)
    assert growing_frequencies(angles_of(falling, (0, 1, 2, 3)), 1, 10000.0) == ""
    dynamic = config_of(Rotary(rope_scaling={"type": "dynamic"}, max_position_embeddings=1000))
    assert [remark.code for remark in not_dynamic(dynamic, 4097)] == ["not-dynamic"]
    assert not_dynamic(dynamic, 1500) == []
    words = amplitude_missing(Yarn(4.0, 4096, 10000.0), 1.0, config_of(Rotary()))
    assert words is not None
    assert "YaRN with factor 4 asks for cos and sin scaled by 0.1 ln 4 + 1 = 1.139" in words
    assert amplitude_missing(Plain(10000.0), 1.0, config_of(Rotary())) is None


def test_long_factors_for_few_rows_are_a_fault() -> None:
    short, long = (1.0,) * 32, tuple(1.0 + pair for pair in range(32))
    longer = LongRope(short=short, long=long, original_length=4096, factor=4.0, length=4097)
    assert [remark.code for remark in long_factors(fit_of(longer))] == ["long-factors"]
    assert long_factors(fit_of(Plain(10000.0))) == []


def test_bands_that_are_exchanged_are_a_fault() -> None:
    plain = Plain(500000.0).inverse_frequencies(WIDTH)
    llama = Llama3(8.0, 8192, 500000.0).inverse_frequencies(WIDTH)
    exchanged = (
        plain * (plain / 8) / llama
    )  # where Llama 3 keeps a pair it is slowed, and the other way round
    fit = fit_schedule(angles_of(exchanged), 1, WIDTH)
    assert fit.schedule is None
    assert [remark.code for remark in exchanged_bands(fit)] == ["bands-exchanged"]
