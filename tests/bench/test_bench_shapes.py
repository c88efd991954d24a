"""Shapes that make sense are read, and the others are answered in one sentence."""

import pytest

from rotcheck.bench import plan, qkv_shapes
from rotcheck.errors import RequestError
from rotcheck.results import Line, Machine


@pytest.mark.parametrize("shape", qkv_shapes.DEFAULT)
def test_the_default_shapes_are_shapes(shape: str) -> None:
    assert str(qkv_shapes.parse(shape)) == shape


def test_the_multiplication_sign_and_leading_zeros_are_read_too() -> None:
    assert str(qkv_shapes.parse("2×010×3×8×64")) == "2x10x3x8x64"


def test_q_may_have_more_heads_than_k() -> None:
    grouped = qkv_shapes.parse("2×10×8/2×64")
    assert grouped == (2, 10, 8, 2, 64)
    assert str(grouped) == "2x10x8/2x64"
    assert grouped.bytes("bfloat16") == 2 * 10 * (8 + 2 + 2) * 64 * 2


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("2x10x3x8", "cannot be read: write BATCHx"),
        ("2x10x3x8x64x1", "cannot be read: write BATCHx"),
        ("2,10,3,8,64", "cannot be read: write BATCHx"),
        ("2x10x3x8x-64", "cannot be read: write BATCHx"),
        ("2x10x3x8x6.4", "cannot be read: write BATCHx"),
        ("", "cannot be read: write BATCHx"),
        ("2x0x3x8x64", "is empty"),
        ("2x10x4x8x64", "third number must be 3"),
        ("2x10x3x8x63", "last number must be even"),
        ("2x10x8/3x64", "the 8 heads of q cannot share 3 of k equally"),
        ("2x10x8/0x64", "is empty"),
        ("2x10x3x8/2x64", "cannot be read: write BATCHx"),
    ],
)
def test_what_is_no_shape_is_refused_in_one_sentence(shape: str, said: str) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        qkv_shapes.parse(shape)
    assert "\n" not in str(refused.value)


ROOM = qkv_shapes.Capacity(4.0, plan.WORKER_MAY)
GPU = Line(group="devices", name="cuda:0", state="runs", values={"memory_gib": 79.2})
NAMELESS = Line(group="devices", name="npu:0", state="runs")
MACHINE = Machine(
    system="Linux",
    processor="",
    cores=2,
    memory_gib=8.0,
    python="3.11",
    torch="2.13.0",
    lines=(Line(group="devices", name="cpu", state="runs"), GPU, NAMELESS),
)


def asked(*given: str) -> plan.BenchRequest:
    return plan.request(["native"], [], ["float32"], given, ["forward"], "native")


def test_a_shape_that_a_worker_cannot_hold_is_told_with_both_numbers() -> None:
    assert qkv_shapes.too_large("4x4096x3x16x128", "float32", ROOM._replace(gib=8.0)) is None
    reason = qkv_shapes.too_large("4x4096x3x16x128", "float32", ROOM)
    assert (
        reason
        == "timing 4x4096x3x16x128 in float32 takes about 4.5 GiB, and a worker may hold 4.0 GiB"
    )


def test_a_dtype_of_half_the_width_takes_half_the_memory() -> None:
    assert qkv_shapes.too_large("4x4096x3x16x128", "bfloat16", ROOM) is None


def test_a_device_has_room_for_what_it_has_memory_for_and_not_for_what_the_host_has() -> None:
    rooms = plan.capacities(["cpu", "cuda:0", "npu:0"], MACHINE, 4.0)
    assert rooms == {"cpu": ROOM, "cuda:0": (79.2, "cuda:0 has"), "npu:0": ROOM}
    groups = plan.groups(asked("4x4096x3x32x128"), rooms)  # 9 GiB
    assert [group.device for group in groups] == ["cpu", "cuda:0", "npu:0"]


@pytest.mark.parametrize(
    ("device", "shape", "said"),
    [
        (
            "cpu",
            "4x4096x3x32x128",
            "and a worker may hold 4.0 GiB; take a smaller shape, or raise --memory-limit",
        ),
        (
            "cuda:0",
            "64x4096x3x32x128",
            "takes about 144.0 GiB, and cuda:0 has 79.2 GiB; take a smaller shape$",
        ),
    ],
)
def test_a_shape_that_no_device_has_room_for_is_refused(device: str, shape: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        plan.groups(asked(shape), plan.capacities([device], MACHINE, 4.0))


def test_the_estimate_grows_with_rows_seconds_and_on_a_cpu_with_the_tensors() -> None:
    def about(shape: str, device: str = "cpu", rows: int = 2, seconds: float = 0.5) -> float:
        return plan.estimate([plan.Group(device, "float32", shape, "forward")], rows, seconds)

    small, large = qkv_shapes.DEFAULT[0], qkv_shapes.DEFAULT[2]
    assert about(small) == 2 * (plan.START + 3 * 0.5)
    assert about(small, rows=4) == 2 * about(small)
    assert about(small, seconds=5.0) > about(small)
    assert about(large) > 2 * about(small)
    assert about(large, "cuda:0") == about(small, "cuda:0")
