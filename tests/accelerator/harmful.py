"""Functions that run on no CPU, so that the calls they take are looked for on the device;
and what ends its use."""

import torch
from torch import Tensor


def only_there(
    x: Tensor, positions: Tensor, beyond: bool = False, opposite: bool = False
) -> Tensor:
    """A right one, with a flag that looks up what is not there and one that turns the other way."""
    if x.device.type == "cpu":
        raise RuntimeError("not for the CPU")
    if beyond:
        return x + torch.ones(3, device=x.device)[positions + 7].sum()
    frequencies = 10000.0 ** (
        -torch.arange(0, x.shape[-1], 2, device=x.device).float() / x.shape[-1]
    )
    angle = (positions[..., None].float() * frequencies)[:, :, None] * (
        -1 if opposite else 1
    )  # (B, S, 1, D / 2)
    a, b = x.float().chunk(2, -1)
    turned = (a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin())
    return torch.cat(turned, -1).type_as(x)


def never_right(x: Tensor, positions: Tensor) -> Tensor:
    """Looks up what is not there in every call: on the CPU that raises,
    and on an accelerator nothing runs after it."""
    return x * torch.ones(3, device=x.device)[positions + 7].sum()
