"""Right values, and one thing wrong beside them:
the gradient, a dtype, memory, strides, repetition, the process."""

import logging
import random
import warnings

import torch
from healthy import plain

import rotcheck

THREADS = torch.get_num_threads() + 3
calls = 0
cached = {}


def _call():
    global calls
    calls += 1
    return calls


# forward


def other_at_inference(qkv, cos, sin):
    return plain(qkv, cos, sin if torch.is_grad_enabled() else -sin)


# backward


def detached(qkv, cos, sin):
    return plain(qkv.detach(), cos, sin)


def detached_k(qkv, cos, sin):
    q, k, v = qkv.split(1, 2)
    return plain(torch.cat((q, k.detach(), v), 2), cos, sin)


class _WrongSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, qkv, cos, sin):
        ctx.save_for_backward(cos, sin)
        return plain(qkv, cos, sin)

    @staticmethod
    def backward(ctx, gradient):
        cos, sin = ctx.saved_tensors
        return plain(gradient, cos, sin), None, None


def gradient_of_the_wrong_sign(qkv, cos, sin):
    return _WrongSign.apply(qkv, cos, sin)


def gradient_with_nan(qkv, cos, sin):
    """sqrt at 0 has no gradient; here it comes back as 0 * inf."""
    return plain(qkv, cos, sin) + (qkv * 0).abs().sqrt() * 0


# dtype


def promotes(qkv, cos, sin):
    return plain(qkv, cos.double(), sin.double())


def widens(qkv, cos, sin):
    return plain(qkv.float(), cos, sin)


@rotcheck.declare(pairing="half", layout="qkv", tables="packed")
def widens_what_it_declares(qkv, cos, sin):
    return plain(qkv.float(), cos, sin)


def promotes_on_every_second_call(qkv, cos, sin):
    return plain(qkv, cos, sin).to(qkv.dtype if _call() % 2 else torch.float64)


def promotes_to_complex(qkv, cos, sin):
    return plain(qkv, cos, sin).to(torch.complex64)


def narrows(qkv, cos, sin):
    return plain(qkv, cos, sin).to(torch.bfloat16)


# inputs


def writes_its_input(qkv, cos, sin):
    out = plain(qkv, cos, sin)
    with torch.no_grad():
        qkv.zero_()
    return out


def writes_its_tables(qkv, cos, sin):
    out = plain(qkv, cos, sin).clone()
    cos.neg_()
    return out


def touches_v(qkv, cos, sin):
    """V times 1 + eps: far within rounding, and not V."""
    nearly = torch.tensor([1.0, 1.0, 1.0 + torch.finfo(qkv.dtype).eps], dtype=qkv.dtype)
    return plain(qkv, cos, sin) * nearly.view(1, 1, 3, 1, 1)


# strides


def ignores_strides(qkv, cos, sin):
    packed = torch.empty(qkv.shape, device="meta").stride()
    return plain(torch.as_strided(qkv, qkv.shape, packed), cos, sin)


def writes_outside(qkv, cos, sin):
    """Clears what lies in front of its input, as a kernel with a wrong base pointer does."""
    out = plain(qkv, cos, sin)
    if qkv.storage_offset():
        with torch.no_grad():
            torch.as_strided(qkv, (1,), (1,), qkv.storage_offset() - 1).zero_()
    return out


def contiguous_only(qkv, cos, sin):
    return plain(qkv.view(-1).view(qkv.shape), cos, sin)


# repeat


def counts_its_calls(qkv, cos, sin):
    q_and_k, v = plain(qkv, cos, sin).split((2, 1), 2)
    return torch.cat((q_and_k * (1 + torch.finfo(qkv.dtype).eps * (_call() % 2)), v), 2)


# offset


def caches_by_length(qkv, cos, sin):
    tables = cached.setdefault((qkv.shape[1], qkv.dtype), (cos.clone(), sin.clone()))
    return plain(qkv, *tables)


def squeezes(qkv, cos, sin):
    return plain(qkv, cos, sin).squeeze(1)


# state, at each call


def executor(qkv, cos, sin):
    torch._C._jit_set_profiling_executor(False)
    return plain(qkv, cos, sin)


def fusers(qkv, cos, sin):
    torch._C._jit_set_texpr_fuser_enabled(False)
    return plain(qkv, cos, sin)


def default_dtype(qkv, cos, sin):
    torch.set_default_dtype(torch.float64)
    return plain(qkv, cos, sin)


def default_device(qkv, cos, sin):
    torch.set_default_device("meta")
    return plain(qkv, cos, sin)


def threads(qkv, cos, sin):
    torch.set_num_threads(THREADS)
    return plain(qkv, cos, sin)


def autocast(qkv, cos, sin):
    torch.set_autocast_enabled("cpu", True)
    return plain(qkv, cos, sin)


def matmul_precision(qkv, cos, sin):
    torch.set_float32_matmul_precision("medium")
    return plain(qkv, cos, sin)


def deterministic(qkv, cos, sin):
    torch.use_deterministic_algorithms(True)
    return plain(qkv, cos, sin)


def _no_cosine(x):
    return x * 0


def functions(qkv, cos, sin):
    torch.cos = _no_cosine
    return plain(qkv, cos, sin)


def torch_seed(qkv, cos, sin):
    torch.manual_seed(1)
    return plain(qkv, cos, sin)


def torch_random_numbers(qkv, cos, sin):
    torch.rand(1)
    return plain(qkv, cos, sin)


def python_seed(qkv, cos, sin):
    random.seed(1)
    return plain(qkv, cos, sin)


def prints(qkv, cos, sin):
    print("rotary: native")
    return plain(qkv, cos, sin)


def warns(qkv, cos, sin):
    warnings.warn("falling back to native", stacklevel=1)
    return plain(qkv, cos, sin)


def logs(qkv, cos, sin):
    logging.getLogger(__name__).warning("falling back to native")
    return plain(qkv, cos, sin)


def gradients_off(qkv, cos, sin):
    out = plain(qkv, cos, sin)
    torch.set_grad_enabled(False)
    return out
