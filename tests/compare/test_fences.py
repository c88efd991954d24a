"""What a call writes beside a tensor that its own code allocates is seen, and breaks nothing."""

import pytest
import torch
from torch import Tensor

from rotcheck.measure.fences import MARGIN, Fences
from rotcheck.rotary.paths import tracing


def writes(x: Tensor, beyond: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Write a tensor that it allocates, and as many elements behind it."""
    out = torch.empty_like(x, dtype=dtype)
    out.as_strided((out.numel() + beyond,), (1,), out.storage_offset()).fill_(1.0)
    return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize(("beyond", "crossed"), [(0, False), (1, True), (MARGIN, True)])
def test_a_store_behind_what_is_allocated_shows(
    beyond: int, crossed: bool, dtype: torch.dtype
) -> None:
    with Fences() as fences:
        out = writes(torch.zeros(3, 5), beyond, dtype)
    assert fences.is_crossed() == crossed
    assert torch.equal(out, torch.ones(3, 5, dtype=dtype))


def test_what_is_allocated_is_as_without() -> None:
    x = torch.randn(4, 6, requires_grad=True)
    with Fences() as fences:
        made = [
            torch.empty_like(x.t()),
            torch.zeros(2, 3),
            torch.empty(0),
            torch.empty(3, dtype=torch.int8),
        ]
        (x * torch.zeros_like(x) + x).sum().backward()
    assert [(t.shape, t.dtype) for t in made] == [
        ((6, 4), torch.float32), ((2, 3), torch.float32), ((0,), torch.float32), ((3,), torch.int8)
    ]  # fmt: skip
    assert made[0].stride() == x.t().stride()
    assert torch.equal(made[1], torch.zeros(2, 3))
    assert x.grad is not None
    assert torch.equal(x.grad, torch.ones(4, 6))
    assert not fences.is_crossed()


def test_rotcheck_s_own_functions_take_the_path_that_they_take_without() -> None:
    with Fences():
        assert tracing() is None
