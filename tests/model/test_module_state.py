"""What is asked of a module leaves no trace in it."""

import torch
from torch import Tensor, nn

from rotcheck.model.module_state import kept_state


class Growing(nn.Module):
    """Frequencies that it changes at far positions, in each way in which modules do that."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 8
        self.register_buffer("rates", torch.ones(2), persistent=False)
        self.register_buffer("table", torch.ones(2), persistent=False)

    def forward(self, positions: Tensor) -> Tensor:
        if int(positions.max()) >= self.longest:
            self.longest = int(positions.max()) + 1
            self.register_buffer("rates", torch.full((2,), 0.5), persistent=False)
            self.table.mul_(3)
            self.grown = True
        return positions[:, None] * self.rates * self.table


def test_a_module_that_grew_is_as_before() -> None:
    whole = nn.Sequential(Growing())
    before, near = dict(whole.named_buffers()), whole(torch.arange(4))
    with kept_state([whole, "no module"]):
        assert not torch.equal(whole(torch.arange(100))[:4], near)
        assert whole[0].longest == 100
    assert torch.equal(whole(torch.arange(4)), near)
    assert (whole[0].longest, hasattr(whole[0], "grown")) == (8, False)
    assert all(after is before[name] for name, after in whole.named_buffers())


def test_a_buffer_that_nobody_changed_is_not_written() -> None:
    module = Growing()
    weight = torch.ones(2, requires_grad=True)
    loss = (weight * module.table).sum()
    with kept_state([module]):
        module(torch.arange(4))
    loss.backward()
    assert weight.grad is not None
