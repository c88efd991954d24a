"""Functions that are right in an ordinary call, and wrong at another size, at other positions,
or under a transform."""

import torch
from torch import Tensor
from torch._export.verifier import SpecViolationError
from torch.nn.functional import pad

from rotcheck import declare

ALONE = {"tables": "repeated", "table_axes": "s1w"}
INDEXED = {**ALONE, "table_axes": "sw", "arguments": ("q", "k", "cos", "sin", "positions")}
SEQUENCES = {
    "layout": "thd",
    "tables": "repeated",
    "table_axes": "sw",
    "arguments": ("x", "cos", "sin", "cu_seqlens"),
}
BOTH = {"tables": "repeated", "table_axes": "s1w", "arguments": ("q", "k", "cos", "sin")}


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


# right


@declare(**ALONE)
def plain(x, cos, sin):
    return _turn(x, cos, sin)


@declare(**INDEXED)
def indexed(q, k, cos, sin, position_ids):
    cos, sin = cos[position_ids].unsqueeze(2), sin[position_ids].unsqueeze(2)
    return _turn(q, cos, sin), _turn(k, cos, sin)


@declare(**BOTH)
def grouped(q, k, cos, sin):
    return _turn(q, cos, sin), _turn(k, cos, sin)


@declare(**BOTH)
def refuses_groups(q, k, cos, sin):
    both = _turn(torch.stack((q, k)), cos, sin)
    return both[0], both[1]


@declare(**SEQUENCES)
def sequences_one_after_another(x, cos, sin, cu_seqlens):
    rows = torch.cat([torch.arange(length) for length in cu_seqlens.diff().tolist()])
    return _turn(x, cos[rows, None], sin[rows, None])


@declare(**SEQUENCES)
def rows_as_they_come(x, cos, sin, cu_seqlens):
    return _turn(x, cos[:, None], sin[:, None])


@declare(tables="half-width", table_axes="s1w")
def as_many_lanes_as_the_tables(x, cos, sin):
    half = cos.shape[-1]
    a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return torch.cat((a * cos - b * sin, b * cos + a * sin, rest), -1)


@declare(tables="half-width", table_axes="sw", in_place=True, takes_offset=True)
def in_place(x, cos, sin, offset=0):
    length, half = x.shape[1], cos.shape[-1]
    if offset + length > cos.shape[0]:
        raise ValueError(f"rows {offset} to {offset + length} of tables of {cos.shape[0]} rows")
    cos, sin = cos[offset : offset + length, None], sin[offset : offset + length, None]
    a, b = x[..., :half], x[..., half : 2 * half]
    first, second = a * cos - b * sin, b * cos + a * sin
    x[..., :half], x[..., half : 2 * half] = first, second
    return x


def _frequencies(lanes: int) -> Tensor:
    return 10000.0 ** (-torch.arange(0, lanes, 2, dtype=torch.float64) / lanes)


@declare(tables="positions", positions="any", arguments=("x", "positions"))
def by_position(x, position_ids):
    angles = position_ids[..., None].double() * _frequencies(x.shape[-1])
    both = torch.cat((angles, angles), -1).unsqueeze(2)
    return _turn(x, both.cos().to(x.dtype), both.sin().to(x.dtype))


class _Opaque(torch.autograd.Function):
    """What wraps a kernel: autograd does not look into either direction."""

    @staticmethod
    def forward(ctx, x, cos, sin):
        ctx.save_for_backward(cos, sin)
        return _turn(x.detach(), cos, sin)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        cos, sin = ctx.saved_tensors
        return _turn(gradient, cos, -sin), None, None


@declare(**ALONE)
def differentiable_once(x, cos, sin):
    return _Opaque.apply(x, cos, sin)


# wrong


@declare(**ALONE)
def other_bits_in_a_batch(x, cos, sin):
    """What a kernel does that takes another path for several rows."""
    if x.shape[0] == 1:
        return _turn(x, cos, sin)
    return _turn(x.double(), cos.double(), sin.double()).to(x.dtype)


@declare(**INDEXED)
def positions_of_the_first_batch_row(q, k, cos, sin, position_ids):
    return indexed(q, k, cos, sin, position_ids[:1])


@declare(**INDEXED)
def consecutive_from_the_least(q, k, cos, sin, position_ids):
    start = int(position_ids.min())
    return grouped(
        q, k, cos[start : start + q.shape[1], None], sin[start : start + q.shape[1], None]
    )


@declare(**INDEXED)
def positions_clamped(q, k, cos, sin, position_ids):
    return indexed(q, k, cos, sin, position_ids.clamp(max=cos.shape[0] - 1))


@declare(**ALONE)
def short_tables_padded(x, cos, sin):
    """As a kernel with masked loads does: cos 1 and sin 0 behind the end."""
    missing = max(0, x.shape[1] - cos.shape[0])
    cos, sin = pad(cos, (0, 0, 0, 0, 0, missing), value=1.0), pad(sin, (0, 0, 0, 0, 0, missing))
    return _turn(x, cos, sin)


@declare(**BOTH)
def keys_of_groups_as_they_were(q, k, cos, sin):
    return _turn(q, cos, sin), _turn(k, cos, sin) if k.shape == q.shape else k


@declare(**ALONE)
def loses_the_axis_of_one_row(x, cos, sin):
    return _turn(x.squeeze(1), cos, sin)


@declare(**ALONE)
def a_power_of_two_of_pairs(x, cos, sin):
    """As a kernel without a loop over blocks does; with one for heads of up to 256 lanes."""
    half = x.shape[-1] // 2
    block = 1 << (half.bit_length() - 1)
    out = x.clone()
    a, b, c, s = x[..., :block], x[..., half : half + block], cos[..., :block], sin[..., :block]
    out[..., :block], out[..., half : half + block] = a * c - b * s, b * c + a * s
    return out


@declare(tables="half-width", table_axes="s1w")
def partners_over_the_whole_head(x, cos, sin):
    pairs, half = cos.shape[-1], x.shape[-1] // 2
    out = x.clone()
    a, b = x[..., :pairs], x[..., half : half + pairs]
    out[..., :pairs], out[..., half : half + pairs] = a * cos - b * sin, b * cos + a * sin
    return out


@declare(**ALONE)
def in_place_without_gradients(x, cos, sin):
    """A fast path for inference, which a checkpoint's first forward takes too."""
    out = _turn(x, cos, sin)
    return out if torch.is_grad_enabled() else x.copy_(out)


class _DetachedTwice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, cos, sin):
        ctx.save_for_backward(cos, sin)
        return _turn(x, cos, sin)

    @staticmethod
    def backward(ctx, gradient):
        """Half of the lanes go through a kernel that autograd does not see."""
        cos, sin = ctx.saved_tensors
        first, second = _turn(gradient, cos, -sin).chunk(2, -1)
        return torch.cat((first.detach(), second), -1), None, None


@declare(**ALONE)
def half_of_the_second_derivative(x, cos, sin):
    return _DetachedTwice.apply(x, cos, sin)


class _MappedWrongly(torch.autograd.Function):
    @staticmethod
    def forward(x, cos, sin):
        return _turn(x, cos, sin)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx, gradient):
        cos, sin = ctx.saved_tensors
        return _turn(gradient, cos, -sin), None, None

    @staticmethod
    def vmap(info, in_dims, x, cos, sin):
        """The mapped axis is not the batch's."""
        return _MappedWrongly.apply(x.movedim(in_dims[0], 1).reshape(x.shape), cos, sin), 0


@declare(**ALONE)
def mapped_axis_mistaken(x, cos, sin):
    return _MappedWrongly.apply(x, cos, sin)


@declare(**ALONE)
def drops_sin_when_traced(x, cos, sin):
    return x * cos if torch.compiler.is_compiling() else _turn(x, cos, sin)


@declare(**ALONE)
def looks_at_values(x, cos, sin):
    if float(cos.max()) > 1:
        raise ValueError("cos above 1")
    return _turn(x, cos, sin)


@declare(**ALONE)
def breaks_the_exporter(x, cos, sin):
    if (
        torch.compiler.is_compiling()
    ):  # as the autocast decorator has torch 2.4's exporter refuse its own graph
        raise SpecViolationError("Node.meta _enter_autocast is missing val field.")
    return _turn(x, cos, sin)


_SCALES = [1.0] * 1000


@declare(**ALONE)
def traced_for_each_length(x, cos, sin):
    return _turn(x, cos, sin) * _SCALES[x.shape[1]]


@declare(**SEQUENCES)
def sequences_after_the_first_a_row_late(x, cos, sin, cu_seqlens):
    lengths = cu_seqlens.diff().tolist()
    rows = torch.cat([torch.arange(length) + (at > 0) for at, length in enumerate(lengths)])
    return _turn(x, cos[rows, None], sin[rows, None])
