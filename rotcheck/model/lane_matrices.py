"""What a call does to each lane of an argument, measured with basis vectors in that same call."""

import torch
from torch import Tensor

from rotcheck.witness.call_record import CallRecord, tensors_in

LINEAR = 1e-4  # what rounding leaves of a sum
MOST_LANES = 512
MOST_ELEMENTS = 1 << 25  # of all matrices


def lane_matrices(call: CallRecord, name: str, x: Tensor) -> Tensor | None:
    """The matrices (..., D, D), in float64, by which a call makes its result of an argument
    (..., D): lane of the result, lane of the argument.

    None: rows are mixed, it is no sum, or there are too many lanes.

    Args:
        call: as it was witnessed.
        name: of the argument.
        x: the argument.
    """
    width = x.shape[-1]
    if width > MOST_LANES or x.numel() * width > MOST_ELEMENTS or not _adds(call, name, x):
        return None
    columns: list[Tensor] = []
    for lane in range(width):
        unit = torch.zeros_like(x)
        unit[..., lane] = 1.0
        column = _result(call, name, unit)
        if column is None:
            return None
        columns.append(column)
    whole = torch.stack(columns, -1)
    result = _result(call, name, x)
    product = torch.einsum("...li,...i->...l", whole, x.detach().double().cpu())
    return whole if result is not None and _is_near(product, result) else None


def _adds(call: CallRecord, name: str, x: Tensor) -> bool:
    """Whether the result for a sum is the sum of the results: a quick look."""
    generator = torch.Generator().manual_seed(5)
    other = torch.randn(x.shape, generator=generator).to(x.device, x.dtype)
    results = [_result(call, name, y) for y in (x, other, x + other)]
    first, second, whole = results
    if first is None or second is None or whole is None:
        return False
    return _is_near(first + second, whole)


def _is_near(value: Tensor, other: Tensor) -> bool:
    return bool((value - other).abs().max() <= LINEAR * other.abs().max())


def _result(call: CallRecord, name: str, x: Tensor) -> Tensor | None:
    """What comes back in the shape of an argument, first of the tensors that depend on it."""
    with torch.no_grad():
        copy = x.clone()
        result = call.call({name: copy})
    outputs = [y for _, y in tensors_in(result) if y.shape == x.shape]
    if not outputs and not torch.equal(copy, x):
        outputs = [copy]  # it was written into
    index = list(call.arguments).index(name)
    before = [
        key for key in list(call.arguments)[:index]
        if isinstance(value := call.arguments[key], Tensor) and value.shape == x.shape
    ]  # fmt: skip
    place = min(len(before), len(outputs) - 1)
    return outputs[place].detach().double().cpu() if outputs else None
