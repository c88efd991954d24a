"""The measure: correct arithmetic stays inside the bands that docs/the-measure.md gives,
and nothing else does."""

import math
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from rotcheck.measure import case as cases
from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.judge import judge, note, shown_error
from rotcheck.measure.rounding_steps import Measurement, Tolerance, against, measure, norms, unit
from rotcheck.rotary import Convention

SEEDS = [1, 2, 3, 4, 5]
DTYPES = ["float32", "bfloat16", "float16"]
LAYOUTS = {
    "half, packed": Convention(pairing="half", layout="qkv", tables="packed"),
    "interleaved": Convention(pairing="interleaved", layout="bshd", tables="repeated"),
}

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def case_of(layout: str, dtype: str) -> Case:
    subject = SimpleNamespace(convention=LAYOUTS[layout], device=torch.device("cpu"))
    return Case(subject, getattr(torch, dtype))


def x_of(case: Case) -> Tensor:
    (x,) = case.inputs()
    return x


def turn(case: Case, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate in the dtypes that come in, operation by operation."""
    if case.convention.pairing == "half":
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat((-b, a), -1) * sin
    other = torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
    return x * cos + other * sin


def worst(case: Case, monkeypatch: pytest.MonkeyPatch, how: Callable[[Case], Tensor]) -> float:
    """Return the worst error over several inputs."""
    errors = []
    for seed in SEEDS:
        monkeypatch.setattr(cases, "SEED", seed)
        fresh = Case(SimpleNamespace(convention=case.convention, device=case.device), case.dtype)
        errors.append(against(fresh, [how(fresh)], fresh.truth).error)
    return max(errors)


@every_layout
@every_dtype
def test_all_arithmetic_in_the_dtype_stays_below_one_and_a_quarter(
    layout: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = worst(
        case_of(layout, dtype), monkeypatch, lambda case: turn(case, x_of(case), *case.tables())
    )
    assert 0.8 < error <= 1.25


@every_layout
@every_dtype
def test_wide_arithmetic_with_wide_tables_rounds_once(
    layout: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def how(case: Case) -> Tensor:
        return turn(case, x_of(case).double(), *case.tables(dtype=torch.float64)).to(case.dtype)

    assert 0.4 < worst(case_of(layout, dtype), monkeypatch, how) <= 0.5


@every_layout
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_float32_inside_with_float32_tables_rounds_about_once(
    layout: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def how(case: Case) -> Tensor:
        return turn(case, x_of(case).float(), *case.tables(dtype=torch.float32)).to(case.dtype)

    assert 0.4 < worst(case_of(layout, dtype), monkeypatch, how) <= 0.55


@every_layout
@every_dtype
def test_wide_arithmetic_with_tables_in_the_dtype_adds_the_tables_rounding(
    layout: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most 0.5 for the result, and a quarter unit each for cos and sin: 0.5 + sqrt(2) / 4."""

    def how(case: Case) -> Tensor:
        return turn(case, x_of(case).double(), *(t.double() for t in case.tables())).to(case.dtype)

    assert 0.5 < worst(case_of(layout, dtype), monkeypatch, how) <= 0.5 + 2**0.5 / 4


@every_dtype
def test_a_rounding_more_after_every_operation_still_agrees(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a device whose multiplication and addition are a unit in the last place off."""
    eps = torch.finfo(getattr(torch, dtype)).eps

    def how(case: Case) -> Tensor:
        generator = torch.Generator().manual_seed(9)

        def sloppy(exact: Tensor) -> Tensor:
            off = torch.randint(-1, 2, exact.shape, generator=generator) * (eps / 2)
            return (exact * (1 + off)).to(case.dtype).double()

        x, (cos, sin) = x_of(case).double(), (t.double() for t in case.tables())
        a, b = x.chunk(2, -1)
        return sloppy(sloppy(x * cos) + sloppy(torch.cat((-b, a), -1) * sin))

    error = worst(case_of("half, packed", dtype), monkeypatch, how)
    assert judge(Evidence(error=error)) == "agrees"


@every_layout
def test_a_shift_by_units_is_measured_as_such(layout: str) -> None:
    case = case_of(layout, "float32")
    sizes = norms(case.pairs)
    shifted = [
        slot + 5 * unit(size, case.dtype)[..., None] for slot, size in zip(case.truth, sizes)
    ]
    found = measure(shifted, case.truth, sizes, case.dtype)
    assert found.error == pytest.approx(5, rel=1e-6)
    assert judge(Evidence(error=found.error)) == "disagrees"


def simple(found: list, expected: list, size: float = 1.0, dtype: str = "float32") -> Measurement:
    """Measure one pair at each of the first positions."""
    shape = (1, len(found), 1, 1, 2)
    sizes = torch.full(shape[:-1], size, dtype=torch.float64)
    tensors = (
        [torch.tensor(values, dtype=torch.float64).view(shape)] for values in (found, expected)
    )
    return measure(*tensors, [sizes], getattr(torch, dtype))


def test_nan_and_infinity_are_counted_and_the_finite_error_is_kept() -> None:
    eps = 2.0**-23
    found = simple([[torch.nan, 1], [torch.inf, 1], [0, 1 + 3 * eps], [0, 1]], [[0, 1]] * 4)
    assert (found.not_finite, round(found.error, 6)) == (2, 3.0)
    assert found.where == {"batch": 0, "row": 0, "head": 0, "pair": 0}


def test_nan_that_should_be_there_is_none_too_many() -> None:
    assert simple([[torch.nan, 1]], [[torch.nan, 1]]).not_finite == 0


@pytest.mark.parametrize("here", [0.0, 3.9, 4.1, torch.nan, torch.inf])
@pytest.mark.parametrize("there", [0.0, torch.nan, torch.inf])
def test_what_is_tolerated_is_what_measures_as_rounding(here: float, there: float) -> None:
    """In units, beside pairs that are right: NaN and infinity are right only where both have it."""
    truth = torch.ones(1, 2, 1, 2, 2, dtype=torch.float64)
    sizes = norms([truth])
    result = truth.clone()
    result[0, 1, 0, 1, 0] += here * float(unit(sizes[0], torch.float32).max())
    truth[0, 1, 0, 1, 0] += there
    off = measure([result], [truth], sizes, torch.float32)
    holds = Tolerance.of(sizes, torch.float32).holds([result], [truth])
    neither = not math.isfinite(here) and not math.isfinite(there)
    assert holds == off.is_right == (neither or (here < 4 and there == 0.0))


def test_where_the_worst_error_sits_names_its_place() -> None:
    case = case_of("half, packed", "float32")
    off = [slot.clone() for slot in case.truth]
    off[1][1, 9, 4, 31, 0] += 1
    assert against(case, case.backwards(off), case.truth).where == {
        "batch": 1,
        "row": 9,
        "position": 4097,
        "qkv": 1,
        "head": 4,
        "pair": 31,
    }


@pytest.mark.parametrize("dtype", [*DTYPES, "float64"])
def test_pairs_of_zeros_are_no_error(dtype: str) -> None:
    found = simple([[0, 0], [-0.0, 0]], [[0, 0], [0, 0]], size=0.0, dtype=dtype)
    assert (found.error, found.not_finite) == (0.0, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_below_the_normal_ones_give_no_false_alarm(dtype: str) -> None:
    """Rounded to the dtype's coarse steps down there, or flushed to zero:
    both are what hardware does."""
    facts = torch.finfo(getattr(torch, dtype))
    tiny = torch.linspace(-2, 2, 101, dtype=torch.float64) * facts.smallest_normal
    for result in (
        tiny.to(getattr(torch, dtype)).double(),
        torch.where(tiny.abs() < facts.smallest_normal, 0, tiny),
    ):
        pairs = torch.stack((tiny, tiny), -1).view(1, -1, 1, 1, 2)[:, :13]
        found = torch.stack((result, result), -1).view(1, -1, 1, 1, 2)[:, :13]
        assert measure([found], [pairs], norms([pairs]), getattr(torch, dtype)).error <= 2


@pytest.mark.parametrize(
    ("error", "verdict", "noted"),
    [
        (0.0, "agrees", False),
        (2.0, "agrees", False),
        (2.01, "agrees", True),
        (4.0, "agrees", True),
        (4.01, "disagrees", False),
        (float("inf"), "disagrees", False),
    ],
)
def test_the_bands_are_the_documented_ones(error: float, verdict: str, noted: bool) -> None:
    evidence = Evidence(error=error)
    assert judge(evidence) == verdict
    assert verdict == "disagrees" or bool(note(evidence)) == noted


def test_a_nan_disagrees_however_small_the_error() -> None:
    assert judge(Evidence(error=0.1, not_finite=1)) == "disagrees"


def test_a_finding_disagrees_without_an_error() -> None:
    assert judge(Evidence(finding="closes")) == "disagrees"


@pytest.mark.parametrize("state", ["unavailable", "skipped"])
def test_what_did_not_run_never_agrees(state: str) -> None:
    assert judge(Evidence(state=state, message="why")) == state


def test_float32_inside_is_shown_in_float32s_units() -> None:
    evidence = Evidence(error=1e8, error_float32=1.2)
    assert (judge(evidence), shown_error(evidence)) == ("agrees", 1.2)
    assert note(evidence).startswith("computes in float32 inside")


def test_worse_than_float32_inside_disagrees_on_float64() -> None:
    evidence = Evidence(error=1e12, error_float32=4.5)
    assert (judge(evidence), shown_error(evidence)) == ("disagrees", 1e12)


def test_the_sizes_of_a_case_are_all_different_so_that_no_wrong_broadcast_goes_unseen() -> None:
    b, s, three, h, d = x_of(case_of("half, packed", "float32")).shape
    assert len({b, s, three, h, d}) == 5


def test_the_positions_are_those_that_narrow_dtypes_cannot_hold() -> None:
    for position, dtype in ((257, torch.bfloat16), (2049, torch.float16), (131071, torch.bfloat16)):
        assert position in cases.POSITIONS
        assert int(torch.tensor(position).to(dtype)) != position


@every_layout
def test_every_call_gets_fresh_tensors(layout: str) -> None:
    case = case_of(layout, "float64")
    before = [slot.clone() for slot in case.truth]
    for tensor in (x_of(case), *case.tables()):
        tensor.zero_()
    assert x_of(case).abs().max() > 1
    assert case.tables()[0].abs().max() > 0.5
    assert all(map(torch.equal, case.truth, before))
