"""The parts of telling by themselves: findings made by hand, calls written as code,
demonstrations that are run."""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from rotcheck.convention import FORMS, Convention
from rotcheck.identify.remarks import UNSHOWN, aspect_of, remark, settle
from rotcheck.identify.showing import call_snippet
from rotcheck.identify.showing.attempts import FEW, Attempt, attempts, case_of
from rotcheck.identify.showing.function_source import PRINT, Source
from rotcheck.identify.showing.memory_demonstration import write_to_input, write_to_tables
from rotcheck.identify.showing.rotation_demonstration import unturned_gradient
from rotcheck.identify.showing.value_demonstration import Show, first_of, of_value, worst_of
from rotcheck.identify.telling.doubt import in_doubt
from rotcheck.measure.case import Case, Sizes
from rotcheck.results import Identification, Remark

PLAIN = Convention("half", "bshd", "half-width", arguments=("x", "cos", "sin"), table_axes="s1w")
SMALL = Sizes(2, 2, 2, 8, FEW)
MISTAKE = remark("direction", "rotates by the negative angle", "random values")


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def backwards(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return turn(x, cos, -sin)


def writes_its_tables(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    out = turn(x, cos, sin)
    sin.mul_(2)
    return out


def writes_its_input(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return x.copy_(turn(x.clone(), cos, sin))


class Detached(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return turn(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return gradients[0], None, None


def refuses(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    raise ValueError("not today")


def source(function: Callable[..., Any]) -> Source:
    return Source(("import torch",), function)


def values(code: str, function: Callable[..., Any]) -> tuple[Tensor, Tensor]:
    """Run a demonstration as its reader would;
    return the value that came and the one that is right."""
    space: dict[str, Any] = {"f": function}
    exec(code, space)
    return space["came"], space["right"]


def identification(*findings: Remark) -> Identification:
    return Identification(
        rotcheck="0", specification="m.py:f", torch=None, device="cpu", follows=False, convention=None,
        findings=findings,
    )  # fmt: skip


# doubts


def test_a_mistake_that_is_shown_keeps_its_demonstration() -> None:
    assert settle(MISTAKE, (), "f(x)").mistake
    assert settle(MISTAKE, (), "f(x)").demonstration == "f(x)"


def test_a_demonstration_that_others_cannot_run_is_not_kept() -> None:
    settled = settle(MISTAKE, (), "f(x)", runs_anywhere=False)
    assert (settled.mistake, settled.demonstration) == (True, None)


@pytest.mark.parametrize(
    ("doubts", "reason"), [((), UNSHOWN), (("nothing says so", "nor this"), "nothing says so")]
)
def test_what_is_not_shown_is_in_doubt(doubts: tuple[str, ...], reason: str) -> None:
    settled = settle(MISTAKE, doubts, None)
    assert not settled.mistake
    assert settled.message == f"seen, and in doubt: {MISTAKE.message} ({reason})"


def test_a_remark_that_is_no_mistake_stays_as_it_is() -> None:
    note = remark("not-contiguous", "takes dense tensors only", "strides", mistake=False)
    assert settle(note, ("a doubt",), None) is note


def test_what_a_demonstration_must_know_is_not_reported() -> None:
    seen = remark("sequences", "takes the tables row by row", "two sequences", aspect="row by row")
    assert aspect_of(seen) == "row by row"
    for settled in (settle(seen, (), "f(x)"), settle(seen, ("a doubt",), None)):
        assert type(settled) is Remark
    assert aspect_of(MISTAKE) is None


def test_in_doubt_the_first_mistake_is_the_reason() -> None:
    note = remark("not-contiguous", "takes dense tensors only", "strides", mistake=False)
    before = identification(note, MISTAKE)
    decision = identification(note, settle(MISTAKE, ("nothing says so",), None))
    answer = in_doubt(before, decision, "name its arguments")
    assert (answer.answer, answer.follows) == ("unknown", False)
    assert (answer.message or "").startswith("seen, and in doubt: rotates by the negative angle")
    assert answer.advice == ("name its arguments",)


# sources


def test_a_source_leaves_the_process_as_it_was() -> None:
    before = (torch.get_default_device(), list(sys.path), torch.random.get_rng_state())
    lines = ["import sys", "sys.path.append('nowhere')", "torch.set_default_device('meta')"]
    assert Source(("import torch",)).run([*lines, "torch.randn(3)", "x = 1"])["x"] == 1
    assert (torch.get_default_device(), list(sys.path)) == before[:2]
    assert torch.equal(torch.random.get_rng_state(), before[2])


def test_the_two_values_stand_behind_what_prints_them() -> None:
    values = ["came = torch.tensor([1.0, 2.0])", "right = torch.tensor([1.0, 2.5])"]
    shown = Source(("import torch",)).show(values)
    assert shown is not None
    assert shown.splitlines()[-2:] == [f"{PRINT[0]}  # 1, 2", f"{PRINT[1]}  # 1, 2.5"]


@pytest.mark.parametrize("came", ["1.0", "1.0 + 1e-7", "1 / 0"])
def test_what_rounding_explains_or_what_raises_shows_nothing(came: str) -> None:
    values = [f"came = torch.tensor([{came}])", "right = torch.tensor([1.0])"]
    assert Source(("import torch",)).show(values) is None


def test_a_device_without_float64_is_given_float32() -> None:
    assert Source((), narrow=True).text("dtype=torch.float64") == "dtype=torch.float32"


# calls as code


@pytest.mark.parametrize("axes", ["sw", "s1w", "bsw", "bs1w"])
@pytest.mark.parametrize("form", FORMS)
def test_tables_are_written_as_they_are_made(form: str, axes: str) -> None:
    table_axes = axes.replace("w", "3w") if FORMS[form].has_slots else axes
    arguments = ("x", *FORMS[form].roles)
    convention = Convention("half", "bshd", form, arguments=arguments, table_axes=table_axes)
    case = case_of(Attempt(convention, SMALL))
    space: dict[str, Any] = {"torch": torch}
    exec("\n".join(call_snippet.angles(case)), space)
    written = [space[name] for name in ("cos", "sin", "table") if name in space]
    made = case.tables()
    assert [table.shape for table in written] == [table.shape for table in made]
    for ours, theirs in zip(written, made, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("layout", ["bshd", "bhsd", "sbhd", "qkv", "b3hsd", "thd"])
def test_tensors_are_written_in_their_layout(layout: str) -> None:
    arguments = (
        ("qkv", "cos", "sin") if "3" in layout or layout == "qkv" else ("q", "k", "cos", "sin")
    )
    convention = Convention("half", layout, "half-width", arguments=arguments)
    case = case_of(Attempt(convention, SMALL))
    space: dict[str, Any] = {"torch": torch}
    exec("\n".join(call_snippet.inputs(case)), space)
    shapes = [space[name].shape for name in call_snippet.names(convention)]
    assert shapes == [x.shape for x in case.inputs()]


# demonstrations


def tries() -> list[Attempt]:
    return attempts([PLAIN], 8, 2)


def test_a_wrong_value_is_shown_in_the_smallest_call() -> None:
    code = of_value(source(backwards), tries())
    assert code is not None
    came, right = values(code, backwards)
    assert not torch.allclose(came.double(), right.double())
    assert "torch.randn(2, 4, 2, 8)" in code
    came, right = values(code, turn)  # the same call of a right function
    torch.testing.assert_close(came.double(), right.double(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("function", [turn, refuses])
def test_of_a_right_function_or_one_that_refuses_no_value_is_shown(
    function: Callable[..., Any],
) -> None:
    assert of_value(source(function), tries()) is None


def test_the_worst_pair_is_where_the_difference_is() -> None:
    case: Case = case_of(Attempt(PLAIN, SMALL))
    inputs = case.inputs()
    right = [turn(x, *case.tables()) for x in inputs]
    assert worst_of(case, inputs, right) is None
    right[0][1, 2, 0, 3] += 1.0
    worst = worst_of(case, inputs, right)
    assert worst is not None
    assert (worst.batch, worst.row, worst.slot, worst.head, worst.pair) == (1, 2, 0, 0, 3)


@pytest.mark.parametrize(
    ("function", "show"),
    [(writes_its_tables, write_to_tables), (writes_its_input, write_to_input)],
)
def test_what_a_call_writes_is_shown(function: Callable[..., Any], show: Show) -> None:
    code = first_of(partial(show, source(function)), tries())
    assert code is not None
    came, right = values(code, function)
    assert not torch.equal(came, right)
    assert first_of(partial(show, source(turn)), tries()) is None


def test_a_gradient_that_is_not_rotated_back_is_shown() -> None:
    code = first_of(partial(unturned_gradient, source(Detached.apply)), tries())
    assert code is not None
    came, right = values(code, Detached.apply)
    assert torch.equal(came, torch.ones(2))
    assert not torch.allclose(came.double(), right.double())
    assert first_of(partial(unturned_gradient, source(turn)), tries()) is None
