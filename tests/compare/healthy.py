"""Right rotations in the seed's form, f(qkv, cos, sin),
written in all the ways people write them."""

import sys
import warnings

import torch


def plain(qkv, cos, sin):
    x1, x2 = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-x2, x1), -1) * sin


def fused_multiply_add(qkv, cos, sin):
    x1, x2 = qkv.chunk(2, -1)
    return torch.addcmul(qkv * cos, torch.cat((-x2, x1), -1), sin)


def rolled(qkv, cos, sin):
    half = qkv.shape[-1] // 2
    sign = torch.ones(qkv.shape[-1], dtype=qkv.dtype, device=qkv.device)
    sign[:half] = -1
    return qkv * cos + qkv.roll(half, -1) * sign * sin


def q_k_and_v_apart(qkv, cos, sin):
    q, k, v = qkv.unbind(2)
    half = q.shape[-1] // 2
    c, s = cos[:, :, 0, :, :half], sin[:, :, 0, :, :half]

    def turn(x):
        a, b = x[..., :half], x[..., half:]
        return torch.cat((a * c - b * s, b * c + a * s), -1)

    return torch.stack((turn(q), turn(k), v), 2)


def written_into_a_copy(qkv, cos, sin):
    out, half = qkv.clone(), qkv.shape[-1] // 2
    a, b = qkv[:, :, :2, :, :half], qkv[:, :, :2, :, half:]
    c, s = cos[:, :, :2, :, :half], sin[:, :, :2, :, :half]
    out[:, :, :2, :, :half] = a * c - b * s
    out[:, :, :2, :, half:] = b * c + a * s
    return out


def einsum(qkv, cos, sin):
    """Each pair times its 2 x 2 matrix."""
    half = qkv.shape[-1] // 2
    c, s = cos[..., :half], sin[..., :half]
    # (1, S, 3, 1, P, 2, 2)
    matrices = torch.stack((torch.stack((c, -s), -1), torch.stack((s, c), -1)), -2)
    halves = qkv.unflatten(-1, (2, half))  # (B, S, 3, H, 2, P)
    wide = matrices.expand(qkv.shape[0], -1, -1, qkv.shape[3], -1, -1, -1)
    return torch.einsum("bsthpij,bsthjp->bsthip", wide, halves).flatten(-2)


def complex_numbers(qkv, cos, sin):
    """Half pairs as complex numbers, in float32 at least."""
    half = qkv.shape[-1] // 2
    wide = qkv if qkv.dtype == torch.float64 else qkv.float()
    numbers = torch.complex(wide[..., :half].contiguous(), wide[..., half:].contiguous())
    turns = torch.complex(
        cos[..., :half].to(wide.dtype).contiguous(), sin[..., :half].to(wide.dtype).contiguous()
    )
    turned = numbers * turns
    return torch.cat((turned.real, turned.imag), -1).to(qkv.dtype)


def float32_inside(qkv, cos, sin):
    return plain(qkv.float(), cos.float(), sin.float()).to(qkv.dtype)


def float64_inside(qkv, cos, sin):
    return plain(qkv.double(), cos.double(), sin.double()).to(qkv.dtype)


def contiguous_first(qkv, cos, sin):
    flat = qkv.contiguous().view(-1, 3, qkv.shape[3], qkv.shape[4])
    return plain(flat.view(qkv.shape), cos, sin)


class _Rotation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, qkv, cos, sin):
        ctx.save_for_backward(cos, sin)
        return plain(qkv, cos, sin)

    @staticmethod
    def backward(ctx, gradient):
        cos, sin = ctx.saved_tensors
        return plain(gradient, cos, -sin), None, None


def gradient_of_its_own(qkv, cos, sin):
    return _Rotation.apply(qkv, cos, sin)


def tables_without_gradient(qkv, cos, sin):
    with torch.no_grad():
        cos, sin = cos * 1, sin * 1
    return plain(qkv, cos, sin)


def autocast_off_inside(qkv, cos, sin):
    with torch.autocast(qkv.device.type, enabled=False):
        return plain(qkv, cos, sin)


def warns(qkv, cos, sin):
    warnings.warn("flash-attn is not installed", stacklevel=2)
    print("falling back", file=sys.stderr)
    return plain(qkv, cos, sin)


@torch.jit.script
def scripted(qkv: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor):
    x1, x2 = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-x2, x1), -1) * sin


class Module(torch.nn.Module):
    def forward(self, qkv, cos, sin):
        return plain(qkv, cos, sin)


module = Module()
