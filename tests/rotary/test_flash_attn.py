"""The limits of flash-attn's kernel, each of which is known before it is called."""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from rotcheck.rotary import explain
from rotcheck.rotary.call_plan import Arrangement, plan
from rotcheck.rotary.paths import PATHS, flash_attn, triton


@pytest.fixture(autouse=True)
def _as_if_a_gpu_were_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton, "missing", lambda x: None)
    monkeypatch.setattr(flash_attn, "kernel", lambda: (SimpleNamespace(), ""))


def _x(*shape: int, dtype: torch.dtype = torch.float16) -> Tensor:
    """Make a contiguous tensor without memory."""
    return torch.empty(shape, dtype=dtype, device="meta")


def _unfit(
    x: Tensor,
    rotary_dim: int | None = None,
    layout: str = "bshd",
    table: torch.dtype | None = None,
    out: Tensor | None = None,
) -> str | None:
    rows = x.shape[{"bhsd": 2, "sbhd": 0, "thd": 0}.get(layout, 1)]
    cos = torch.empty(
        rows, (rotary_dim or x.shape[-1]) // 2, dtype=table or x.dtype, device=x.device
    )
    return flash_attn.unfit(
        x, cos, cos, plan(Arrangement(layout), x.shape, cos.shape, cos.shape), out
    )


def test_our_kernel_comes_first() -> None:
    assert PATHS.index(triton) < PATHS.index(flash_attn)


@pytest.mark.parametrize("layout", ["bshd", "bhsd", "sbhd"])
def test_it_takes_one_tensor_and_packed_qkv_in_place(layout: str) -> None:
    assert _unfit(_x(2, 10, 8, 64), layout=layout) is None
    qkv = _x(2, 10, 3, 8, 64)
    assert _unfit(qkv, layout="qkv", out=qkv) is None


LIMITS = [
    (
        (1, 524_280, 1, 128),
        (1, 524_281, 1, 128),
        "524281 positions; its grid takes 524280 with 128 lanes that rotate",
    ),
    (
        (1, 262_140, 1, 256),
        (1, 262_141, 1, 256),
        "262141 positions; its grid takes 262140 with 256 lanes that rotate",
    ),
    ((65_535, 1, 1, 2), (65_536, 1, 1, 2), "65536 batches; its grid takes 65535"),
    ((1, 1, 65_535, 2), (1, 1, 65_536, 2), "65536 heads; its grid takes 65535"),
    ((1, 1, 1, 256), (1, 1, 1, 258), "a head has 258 lanes; it takes 256"),
]


@pytest.mark.parametrize(("most", "over", "said"), LIMITS, ids=lambda value: str(value))
def test_one_more_than_a_limit_is_refused_with_its_number(
    most: tuple[int, ...], over: tuple[int, ...], said: str
) -> None:
    assert _unfit(_x(*most)) is None
    assert str(_unfit(_x(*over))).endswith(said)


def test_an_index_that_32_bits_cannot_hold_is_refused() -> None:
    assert _unfit(_x(4, 65_536, 32, 256)) is None  # 2**31 elements, the last one at 2**31 - 1
    said = "the last element has index 2147614719; it computes indices in 32 bits, up to 2147483647"
    assert _unfit(_x(5, 13_108, 128, 256)) == said
    apart = _x(2, 2**20, 1, 2**11)[:, :10, :, :64]  # 2,560 elements of a buffer that has 2**32
    assert (
        _unfit(apart)
        == "the last element has index 2147502143; it computes indices in 32 bits, up to 2147483647"
    )


def test_what_costs_a_second_pass_is_left_to_our_kernel() -> None:
    x, qkv = _x(2, 10, 8, 64), _x(2, 10, 3, 8, 64)
    assert _unfit(x, 16) == "out of place it copies the 48 lanes that stay with a second kernel"
    assert _unfit(x, 16, out=x) is None
    assert "5/3 of the traffic" in str(_unfit(qkv, layout="qkv"))
    assert (
        _unfit(x, out=torch.empty_like(x))
        == "it writes into x or into memory of its own, not into out"
    )


def test_dtypes_that_differ_stop_older_releases_and_are_refused() -> None:
    x = _x(2, 10, 8, 64, dtype=torch.bfloat16)
    assert _unfit(x) is None
    assert "x is torch.bfloat16, cos torch.float32" in str(_unfit(x, table=torch.float32))


def test_it_is_not_started_on_an_intel_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    x = _x(2, 10, 8, 64)
    monkeypatch.setattr(Tensor, "is_xpu", True)
    assert "it starts its kernel only on CUDA devices" in str(_unfit(x))


def test_where_it_runs_it_is_said_that_its_roundings_are_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, table = _x(2, 10, 8, 64), _x(10, 32)
    assert "fuses roundings" not in str(explain(x, table, table))
    monkeypatch.setattr(triton, "unfit", lambda *call: "it is not here")
    explanation = explain(x, table, table)
    assert explanation.path == "flash-attn"
    assert "fuses roundings: its values may differ from ours in the last bit" in str(explanation)
