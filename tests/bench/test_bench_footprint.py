"""Memory and launches against what can be counted by hand,
and what in-place functions and gradients are given."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import Tensor
from torch._C._autograd import DeviceType
from torch.autograd.profiler import profile

from rotcheck.bench import launches, peak_memory
from rotcheck.bench.batch_timer import BatchTimer, copy_timer, rotation_timer
from rotcheck.bench.workload import Size, Workload, mismatch
from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.measure.subject import Subject

CPU = torch.device("cpu")
PACKED = Convention(pairing="half", layout="qkv", tables="packed")
IN_PLACE = Convention(pairing="half", layout="qkv", tables="half-width", in_place=True)


def size(*, backward: bool = False) -> Size:
    return Size(2, 10, 8, 64, torch.float32, CPU, backward)


def made(
    function: Function, convention: Convention = PACKED, *, backward: bool = False
) -> BatchTimer:
    """Return a timer of a function that was never loaded."""
    loaded = SimpleNamespace(function=function, convention=convention, running=nullcontext)
    return rotation_timer(cast(Subject, loaded), size(backward=backward))


def footprint(timer: BatchTimer) -> tuple[float, int | None]:
    """Return the peak in inputs, and the launches."""
    timer.batch(1)
    seen = launches.profiler(CPU)
    timer.once(seen)
    held = peak_memory.peak(timer, CPU, seen)
    assert held is not None
    return held / timer.bytes, launches.launches(seen, CPU)


@pytest.mark.parametrize(
    ("name", "backward", "inputs", "operations"),
    [
        # q * cos, -x2 and cat: 2.5, then x * sin instead of -x2: 3; + makes five
        ("native", False, 3.0, 5),
        ("native", True, 3.5, 10),  # result, gradient * sin, its halves' -x and cat: 3.5
        ("interleaved", False, 2.0, 10),
        ("complex", False, 1.0, 2),  # one product for q, one for k
    ],
)
def test_the_footprint_of_real_functions_is_what_their_lines_say(
    name: str, backward: bool, inputs: float, operations: int
) -> None:
    assert footprint(
        rotation_timer(Subject(name, "cpu", threads=None), size(backward=backward))
    ) == (
        inputs,
        operations,
    )


def test_a_copy_holds_one_input_and_is_one_operation() -> None:
    timer = rotation_timer(Subject("native", "cpu", threads=None), size())
    assert footprint(copy_timer(timer, size())) == (1.0, 1)


def test_a_copy_beside_a_gradient_is_two() -> None:
    timer = rotation_timer(Subject("native", "cpu", threads=None), size(backward=True))
    assert footprint(copy_timer(timer, size(backward=True)))[1] == 2


def test_a_function_that_allocates_nothing_holds_nothing() -> None:
    assert footprint(made(lambda x, cos, sin: x.neg_())) == (0.0, 1)


def test_views_and_allocations_are_no_launches() -> None:
    assert (
        footprint(made(lambda x, cos, sin: (torch.empty(0), x.transpose(0, 1).transpose(0, 1))[1]))[
            1
        ]
        == 0
    )


def test_an_in_place_function_gets_a_fresh_copy_for_each_gradient_and_keeps_its_input_otherwise() -> (
    None
):
    backward, forward = (Workload(IN_PLACE, size(backward=each)) for each in (True, False))
    assert backward.inputs()[0].data_ptr() != backward.inputs()[0].data_ptr()
    assert not backward.inputs()[0].is_leaf
    assert forward.inputs()[0].data_ptr() == forward.inputs()[0].data_ptr()
    assert footprint(made(lambda x, cos, sin: x.neg_(), IN_PLACE, backward=True)) == (1.0, 2)


@pytest.mark.parametrize(("kind", "counted"), [(DeviceType.CUDA, 2), (DeviceType.CPU, None)])
def test_a_device_that_the_profiler_sees_nothing_of_does_not_tell(
    kind: DeviceType, counted: int | None
) -> None:
    event = SimpleNamespace(device_type=kind, is_user_annotation=False)
    seen = cast(profile, SimpleNamespace(function_events=[event, event]))
    assert launches.launches(seen, torch.device("cuda")) == counted


class Counter:
    """What an allocator counts: bytes that are held,
    and the most that were since it was asked to begin anew."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.held = self.most = 1000
        patch.setattr(torch.cuda, "memory_allocated", lambda device: self.held)
        patch.setattr(torch.cuda, "max_memory_allocated", lambda device: self.most)
        patch.setattr(torch.cuda, "reset_peak_memory_stats", self.begin_anew)

    def begin_anew(self, device: torch.device) -> None:
        self.most = self.held

    def take(self, size: int) -> None:
        self.held += size
        self.most = max(self.most, self.held)


@pytest.mark.parametrize("convention", [IN_PLACE, PACKED])
def test_what_an_allocator_counts_is_the_call_and_not_the_copies_it_is_given(
    convention: Convention, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(monkeypatch)

    def holds_twice_its_input(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        counter.take(2 * x.nbytes)
        counter.take(-x.nbytes)
        return x * 2

    timer = made(holds_twice_its_input, convention, backward=True)
    own = timer.workload.inputs

    def counted() -> list[Tensor]:
        given = own()
        counter.take(sum(x.nbytes for x in given) if timer.workload.fresh else 0)
        return given

    monkeypatch.setattr(timer.workload, "inputs", counted)
    seen = launches.profiler(CPU)
    assert peak_memory.peak(timer, torch.device("cuda"), seen) == 2 * timer.bytes


def test_gradients_do_not_accumulate_and_do_not_grow() -> None:
    workload = Workload(PACKED, size(backward=True))
    first, second = (
        workload.backward(lambda x, cos, sin: x * 2, workload.inputs())[0] for _ in range(2)
    )
    assert torch.equal(first, second)
    assert workload.inputs()[0].grad is None


def test_a_function_that_promotes_gets_a_gradient_of_its_result_s_dtype() -> None:
    narrow = Size(2, 10, 8, 64, torch.bfloat16, CPU, True)
    workload = Workload(PACKED, narrow)
    (gradient,) = workload.backward(lambda x, cos, sin: x.float() * 2, workload.inputs())
    assert gradient.dtype == torch.bfloat16


def test_large_inputs_hold_more_than_zeros_to_their_end() -> None:
    workload = Workload(PACKED, Size(1, 512, 8, 64, torch.float32, CPU, False))
    assert workload.inputs()[0][0, -1].abs().sum() > 0
    assert workload.bytes == 512 * 3 * 8 * 64 * 4


def test_one_tensor_functions_are_called_for_q_and_for_k() -> None:
    workload = Workload(Convention(pairing="half", layout="bshd", tables="repeated"), size())
    assert [tuple(x.shape) for x in workload.inputs()] == [(2, 10, 8, 64)] * 2
    assert len(workload.forward(lambda x, cos, sin: x, workload.inputs())) == 2


GROUPED = Size(2, 10, 8, 64, torch.float32, CPU, False, key_heads=2)


@pytest.mark.parametrize("arguments", [("q", "k", "cos", "sin"), ("x", "cos", "sin")])
def test_k_may_have_fewer_heads_than_q(arguments: tuple[str, ...]) -> None:
    convention = Convention(pairing="half", layout="bshd", tables="repeated", arguments=arguments)
    assert mismatch(convention, GROUPED) is None
    workload = Workload(convention, GROUPED)
    assert [tuple(x.shape) for x in workload.inputs()] == [(2, 10, 8, 64), (2, 10, 2, 64)]


def test_packed_qkv_has_as_many_heads_of_k_as_of_q() -> None:
    assert mismatch(PACKED, GROUPED) == "it takes q and k with equally many heads"


def test_without_a_batch_it_stands_among_the_heads_of_q_and_of_k() -> None:
    convention = Convention(pairing="half", layout="thd", tables="repeated")
    workload = Workload(convention, GROUPED)
    assert [tuple(x.shape) for x in workload.inputs()] == [(10, 16, 64), (10, 4, 64)]
