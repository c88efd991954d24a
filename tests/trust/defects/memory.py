"""Right values beside memory, strides, gradients and dtypes that are not.

Each declares what it should do.
"""

import torch
from planting import planted

HALF = {"pairing": "half", "layout": "bshd", "tables": "half-width", "table_axes": "s1w"}
LLAMA = {
    "pairing": "half",
    "layout": "bhsd",
    "tables": "repeated",
    "table_axes": "bsw",
    "arguments": ("q", "k", "cos", "sin"),
}
INTERLEAVED = {"pairing": "interleaved", "layout": "bshd", "tables": "repeated"}


def turn(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


@planted("writes-input", "ECOSYSTEM 1: Liger and unsloth write in place, by layout", **HALF)
def writes_where_it_can(x, cos, sin):
    out = turn(x, cos, sin)
    if x.is_contiguous() and not x.requires_grad:
        return x.copy_(out)
    return out


@planted(
    "not-in-place",
    "ECOSYSTEM 2.7: fla's inplace=True leaves a strided input unchanged",
    in_place=True,
    **HALF,
)
def not_in_place_of_a_strided_input(x, cos, sin):
    out = turn(x, cos, sin)
    return x.copy_(out) if x.is_contiguous() else out


@planted("not-in-place", "F14's neighbour: in place on a copy", in_place=True, **INTERLEAVED)
def in_place_on_a_copy(x, cos, sin):
    return x * cos + torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2) * sin


@planted(
    "writes-tables",
    "N12: the shared table is changed in place by the first forward",
    check="inputs",
    **LLAMA,
)
def flips_the_table(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    out = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
    sin.neg_()
    return out


@planted("writes-input", "measured.md: the result is written into the input by .data", **HALF)
def written_behind_autograd(x, cos, sin):
    out = turn(x, cos, sin)
    x.data.copy_(out)
    return out


@planted("writes-input", "the same, only where gradients are wanted", **HALF)
def written_behind_autograd_in_training(x, cos, sin):
    out = turn(x, cos, sin)
    if x.requires_grad:
        x.data.copy_(out)
    return out


@planted(
    "writes-input", "the same in place: the gradient is that of the input", in_place=True, **HALF
)
def in_place_behind_autograd(x, cos, sin):
    x.data.copy_(turn(x, cos, sin))
    return x


@planted("strides", "M5 to M9: strides ignored", **HALF)
def ignores_strides(x, cos, sin):
    packed = torch.empty(x.shape, device="meta").stride()
    return turn(torch.as_strided(x, x.shape, packed), cos, sin)


@planted("strides", "M8: the storage's offset ignored", **INTERLEAVED)
def ignores_the_offset(x, cos, sin):
    x = torch.as_strided(x, x.shape, x.stride(), 0) if x.storage_offset() else x
    return x * cos + torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2) * sin


@planted("writes-outside", "F15, M9: a kernel with a wrong base pointer", **HALF)
def writes_before_its_input(x, cos, sin):
    out = turn(x, cos, sin)
    if x.storage_offset():
        with torch.no_grad():
            torch.as_strided(x, (1,), (1,), x.storage_offset() - 1).zero_()
    return out


@planted(
    "not-repeatable", "ECOSYSTEM 2.7: fla's autotuner rotates in place at the first call", **HALF
)
class TunedOnItsInput:
    def __init__(self):
        self.tuned = False

    def __call__(self, x, cos, sin):
        for _ in range(1 if self.tuned else 45):
            x = turn(x, cos, sin)
        self.tuned = True
        return x


@planted("not-repeatable", "N17: other bits at every call", **LLAMA)
class OtherBits:
    def __init__(self):
        self.calls = 0

    def __call__(self, q, k, cos, sin):
        self.calls += 1
        cos, sin, step = (
            cos.unsqueeze(1),
            sin.unsqueeze(1),
            1 + torch.finfo(q.dtype).eps * (self.calls % 2),
        )
        return (q * cos + rotate_half(q) * sin) * step, (k * cos + rotate_half(k) * sin) * step


@planted("promotes", "N13: float32 tables times bfloat16 q", ("bfloat16", "float16"), **HALF)
def promotes(x, cos, sin):
    return turn(x, cos.float(), sin.float())


@planted(
    "dtype-changed",
    "ECOSYSTEM 1: maxtext returns fprop_dtype",
    ("float32", "float16", "float64"),
    check="dtype",
    **HALF,
)
def returns_bfloat16(x, cos, sin):
    return turn(x.double(), cos.double(), sin.double()).to(torch.bfloat16)


@planted("gradient", "ECOSYSTEM 2.1: the hub kernel's backward does not match", **HALF)
class ForwardForBackward(torch.nn.Module):
    class _Turn(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, cos, sin):
            ctx.save_for_backward(cos, sin)
            return turn(x, cos, sin)

        @staticmethod
        def backward(ctx, gradient):
            cos, sin = ctx.saved_tensors
            return turn(gradient, cos, sin), None, None

    def forward(self, x, cos, sin):
        return self._Turn.apply(x, cos, sin)


@planted(
    "gradient",
    "ECOSYSTEM 2.7: Transformer Engine's backward does not know the start",
    **INTERLEAVED,
)
class BackwardFromZero(torch.nn.Module):
    class _Turn(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, cos, sin):
            ctx.save_for_backward(cos, sin)
            return x * cos + torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2) * sin

        @staticmethod
        def backward(ctx, gradient):
            cos, sin = (t[:1] for t in ctx.saved_tensors)
            return (
                gradient * cos
                - torch.stack((-gradient[..., 1::2], gradient[..., ::2]), -1).flatten(-2) * sin,
                None,
                None,
            )

    def forward(self, x, cos, sin):
        return self._Turn.apply(x, cos, sin)


@planted("no-gradient", "ECOSYSTEM 2.11: torch.onnx.ops has no backward", **LLAMA)
def detached(q, k, cos, sin):
    q, k, cos, sin = q.detach(), k.detach(), cos.unsqueeze(1), sin.unsqueeze(1)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@planted("no-gradient", "a kernel without autograd, for k alone", **LLAMA)
def k_detached(q, k, cos, sin):
    k, cos, sin = k.detach(), cos.unsqueeze(1), sin.unsqueeze(1)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@planted("shape", "a squeezed result", **HALF)
def squeezed(x, cos, sin):
    return turn(x, cos, sin)[:, :, :1].squeeze(2)


# what shows only in some sizes


@planted(
    "batch", "N17: another formula for a batch of one", ("float32", "bfloat16", "float16"), **LLAMA
)
def fused_for_a_batch_of_one(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    if len(q) == 1:
        return tuple((x.double() * cos + rotate_half(x.double()) * sin).to(x.dtype) for x in (q, k))
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


@planted("offset", "N11: a shortcut for decoding, where there is one row", **HALF)
def decodes_without_rotating(x, cos, sin):
    return x.clone() if x.shape[1] == 1 else turn(x, cos, sin)


@planted(
    "offset",
    "K4: the offset of the first call is baked in",
    takes_offset=True,
    **{**HALF, "table_axes": "sw"},
)
class OffsetBakedIn:
    def __init__(self):
        self.first = None

    def __call__(self, x, cos, sin, offset=0):
        self.first = offset if self.first is None else self.first
        rows = slice(self.first, self.first + x.shape[1])
        return turn(x, cos[rows, None], sin[rows, None])


@planted(
    "unlike",
    "a loop over the heads of q turns those of k again, with fewer heads in k",
    check="gqa",
    **LLAMA,
)
def k_once_for_each_head_of_q(q, k, cos, sin):
    cos, sin, keys = cos.unsqueeze(1), sin.unsqueeze(1), list(k.unbind(1))
    for head in range(q.shape[1]):
        at = head % len(keys)
        keys[at] = keys[at] * cos[:, 0] + rotate_half(keys[at]) * sin[:, 0]
    return q * cos + rotate_half(q) * sin, torch.stack(keys, 1)


@planted("partly", "F11: a kernel whose block holds 128 pairs", check="shapes", **HALF)
def at_most_128_pairs(x, cos, sin):
    out, half = turn(x, cos, sin), x.shape[-1] // 2
    return torch.where(torch.arange(x.shape[-1]) % half < 128, out, x)
