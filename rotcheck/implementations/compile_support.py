"""What torch.compile lacks on a device, told apart from what is wrong with the function
that it was to compile."""

from collections.abc import Iterator

import torch

LACKS = {
    "InvalidCxxCompiler": "needs a C++ compiler for {}, and finds none",
    "TritonMissing": "needs Triton for {}, and finds none that works",
    "GPUTooOldForTriton": "needs Triton for {}, which runs on newer cards only",
}
"""By the class of the error; each version of torch wraps these into others."""


def lack(error: BaseException, device: torch.device) -> str | None:
    """What torch.compile lacks on a device; None where the error is the compiled function's own.

    An error that does not tell is the function's own
    where torch.compile compiles another one there.
    """
    causes = list(_causes(error))
    for cause in causes:
        if need := LACKS.get(type(cause).__name__):
            return f"torch.compile {need.format(device.type)}"
    if _compiles(device):
        return None
    first_line = str(causes[-1]).partition("\n")[0]
    return f"torch.compile compiles nothing for {device.type}: {type(causes[-1]).__name__}: {first_line}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from, the innermost last."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _compiles(device: torch.device) -> bool:
    """Whether a sum can be compiled; also where none can be computed,
    which no compiler is to blame for."""
    try:
        x = torch.ones(8, device=device) + 1
    except Exception:
        return True
    try:
        torch.compile(lambda x: x + 1)(x)
    except Exception:
        return False
    return True
