"""Run in a process of its own with the pretend accelerator:
prints what a few operations did, as JSON."""

import json
from collections.abc import Callable
from typing import Any

import torch

X = torch.arange(24.0, device="pretend").reshape(4, 6)  # (4, 6)


def mixed() -> Any:
    return (X * torch.ones(6)).tolist()


def mixed_with_a_number() -> Any:
    return (X * torch.tensor(2.0)).sum().item()


def indexed_from_the_cpu() -> Any:
    return X[torch.tensor([3])].tolist()


def embedded_from_the_cpu() -> Any:
    return torch.nn.functional.embedding(torch.tensor([3]), X).tolist()


def float64() -> Any:
    return X.double().sum().item()


def strided() -> Any:
    return X[:, ::2].cpu().tolist()


def contiguous() -> Any:
    return X[:, ::2].contiguous().cpu().tolist()


def gradient() -> Any:
    x = X.clone().requires_grad_()
    (x * x).sum().backward()  # type: ignore[no-untyped-call]
    return bool(torch.equal(x.grad, 2 * X))  # type: ignore[arg-type]


def autocast() -> Any:
    with torch.autocast("pretend", dtype=torch.bfloat16):
        return str((X @ X.T).dtype)


def conjugate() -> Any:
    return torch.view_as_complex(X.reshape(4, 3, 2)).conj()[0, 1].cpu().imag.item()


def past_the_end() -> Any:
    return list(X[torch.tensor([9], device="pretend")].shape)


def afterwards() -> Any:
    return X.sum().item()


def waited_for() -> Any:
    torch.accelerator.synchronize()
    return "answers"


def _answer(ask: Callable[[], Any]) -> list[Any]:
    try:
        return [None, ask()]
    except (RuntimeError, TypeError, IndexError) as error:
        return [type(error).__name__, str(error).splitlines()[0]]


ASKED = (
    mixed, mixed_with_a_number, indexed_from_the_cpu, embedded_from_the_cpu, float64, strided, contiguous, gradient,
    autocast, conjugate, past_the_end, afterwards, waited_for,
)  # fmt: skip

print(json.dumps({ask.__name__: _answer(ask) for ask in ASKED}))
