"""The tables that a call was handed: does it turn a tensor exactly by their angles?"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.witness.call_record import CallRecord, TensorTurn, tensors_in
from rotcheck.witness.table_values import are_cos_and_sin

MOST_TENSORS = 12


def tables_of_turn(call: CallRecord, tensor: TensorTurn) -> tuple[tuple[Tensor, ...], float] | None:
    """The tables that explain best how a tensor turned, and how far it is from the rotation by
    their angles, in units of rounding; None: the call was handed no tables of its shape."""
    turn = tensor.turn
    x, y = turn.pairs(tensor.before), turn.written_pairs(tensor.after)  # (..., P) each
    eps = torch.finfo(tensor.before.dtype).eps
    best: tuple[tuple[Tensor, ...], float] | None = None
    for tables, numbers in _numbers(_candidates(call, tensor), turn.width // 2):
        for spread in _spreads(numbers, x.shape, turn.blocks):
            for right in (spread, spread.conj()):
                off = (y - right * x).abs() / (eps * turn.amplitude * x.abs()).clamp_min(1e-30)
                error = float(off.max())
                if best is None or error < best[1]:
                    best = tables, error
    return best


def _candidates(call: CallRecord, tensor: TensorTurn) -> list[Tensor]:
    """The tensors of a call that may be tables; also those that its object keeps."""
    owners = [value for value in call.arguments.values() if isinstance(value, Module)]
    buffers = [x for owner in owners for x in (*owner.buffers(False), *_attributes(owner))]
    values = [x for value in call.arguments.values() for _, x in tensors_in(value)]
    return [x for x in (*values, *buffers) if _may_be_table(x, tensor)][:MOST_TENSORS]


def _attributes(owner: Module) -> list[Tensor]:
    return [x for value in vars(owner).values() for _, x in tensors_in(value, depth=1)]


def _may_be_table(x: Tensor, tensor: TensorTurn) -> bool:
    kind = x.is_floating_point() or x.is_complex()
    return (
        kind and x.dim() >= 2 and x is not tensor.before and x.numel() <= tensor.before.numel() * 64
    )


def _numbers(tensors: Sequence[Tensor], pairs: int) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
    """Yield tables, and the complex numbers (..., P) that they stand for."""
    for x in tensors:
        for numbers in _of_one(x.detach().cpu(), pairs):
            yield (x,), numbers
    for first, second in combinations(tensors, 2):
        if first.shape != second.shape or not are_cos_and_sin(first, second):
            continue
        a, b = first.detach().cpu().double(), second.detach().cpu().double()
        for cos, sin in ((a, b), (b, a)):
            for part in _parts(torch.complex(cos, sin), pairs):
                yield (first, second), part


def _of_one(x: Tensor, pairs: int) -> Iterator[Tensor]:
    if x.is_complex():
        yield from _parts(x.to(torch.complex128), pairs)
        return
    x = x.double()
    if x.shape[-1] in (2 * pairs, 4 * pairs):
        a, b = x.chunk(2, -1)
        for cos, sin in ((a, b), (b, a), (x[..., ::2], x[..., 1::2])):
            yield from _parts(torch.complex(cos.contiguous(), sin.contiguous()), pairs)
    yield from _parts(torch.polar(torch.ones_like(x), x), pairs)  # the angles themselves
    if x.dim() >= 4 and x.shape[-2:] == (2, 2) and x.shape[-3] == pairs:
        yield torch.complex(x[..., 0, 0].contiguous(), x[..., 1, 0].contiguous())
    elif x.dim() >= 3 and x.shape[-1] == 2 and x.shape[-2] == pairs:
        yield torch.complex(x[..., 0].contiguous(), x[..., 1].contiguous())
    for axis, size in enumerate(x.shape[:-1]):
        if size == 2:
            a, b = x.unbind(axis)
            yield from _parts(torch.complex(a.contiguous(), b.contiguous()), pairs)


def _parts(numbers: Tensor, pairs: int) -> Iterator[Tensor]:
    """Yield the numbers (..., P) of tables that hold each pair once, or twice."""
    width = numbers.shape[-1]
    if width == pairs:
        yield numbers
    elif width == 2 * pairs:
        yield numbers[..., :pairs]
        yield numbers[..., ::2]


def _spreads(numbers: Tensor, shape: torch.Size, blocks: int) -> Iterator[Tensor]:
    """Yield the numbers on the axes of pairs (..., P), each way in which their axes fit."""
    numbers = numbers.repeat(*[1] * (numbers.dim() - 1), blocks)
    axes = [axis for axis, size in enumerate(numbers.shape[:-1]) if size > 1]
    rows = numbers.reshape(*[numbers.shape[axis] for axis in axes], numbers.shape[-1])
    for places in combinations(range(len(shape) - 1), len(axes)):
        fits = all(shape[at] <= size for at, size in zip(places, rows.shape))
        if not fits or rows.shape[-1] != shape[-1]:
            continue
        part = rows[tuple(slice(shape[at]) for at in places)]
        view = [shape[axis] if axis in places else 1 for axis in range(len(shape) - 1)]
        yield part.reshape(*view, shape[-1])
