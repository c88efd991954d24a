"""Inside a worker: what the fix in docs/the-fix-on-trial.md claimed, each claim held against a run.

Each function yields what it sees, line by line, and returns whether the claim holds; it raises
`Unavailable` when this machine lacks what it takes to go on.
"""

import contextlib
import importlib
import importlib.util
import io
import os
import sys
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from rotcheck.implementations.builtin import flash_attn, torchscript_legacy
from rotcheck.implementations.exhibits import seed_fallback, seed_native
from rotcheck.implementations.interface import Unavailable
from rotcheck.rotary import angles, tables

Trying = Generator[str, None, bool]
CALLS = 3
SHAPE = (2, 10, 3, 8, 64)  # of the fix's own test: qkv (B, S, 3, H, D)


def open_claim(name: str) -> Callable[[Any], dict[str, Any]]:
    """The experiment of a claim: any task is answered with {"holds": bool or None, "seen":
    lines}."""

    def answer(_: Any) -> dict[str, Any]:
        lines: list[str] = []
        trying = _CLAIMS[name]()
        while True:
            try:
                lines.append(next(trying))
            except StopIteration as end:
                return {"holds": end.value, "seen": lines}
            except Unavailable as reason:
                return {"holds": None, "seen": [*lines, f"not run: {reason}"]}

    return answer


def _inputs() -> tuple[Tensor, Tensor, Tensor]:
    """qkv and the tables (1, S, 1, 1, D) of the fix's own test, which have no slot for V."""
    qkv = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    half = angles(torch.arange(SHAPE[1]), SHAPE[-1])
    cos, sin = (t[None, :, None].float() for t in tables("repeated", "half", half, torch.float64))
    return qkv, cos, sin


@dataclass(frozen=True)
class ThreeCalls:
    """What three calls of a function come to."""

    runs: bool
    text: str

    def __str__(self) -> str:
        return self.text


def _outcome(function: Callable[..., Any], *arguments: Any) -> ThreeCalls:
    """Call it three times: it runs, or raises on one of these calls."""
    for call in range(1, CALLS + 1):
        try:
            function(*arguments)
        except Exception as error:
            message = f"{type(error).__name__}: {str(error).splitlines()[-1]}"
            return ThreeCalls(runs=False, text=f"raises {message} (call {call})")
    return ThreeCalls(runs=True, text=f"runs ({CALLS} calls)")


def torchscript_needs_cuda() -> Trying:
    """Run scripted rotary functions under both executors, on cpu and on meta.

    Each function is scripted anew: one that ran before the executor changed keeps the executor it
    ran under.
    """
    qkv, cos, sin = _inputs()
    here, away = (qkv, cos, sin), tuple(t.to("meta") for t in (qkv, cos, sin))
    cpu, meta = _outcome(_rotary(), *here), _outcome(_rotary(), *away)
    yield f"default executor on cpu: {cpu}"
    yield f"default executor on meta, which the legacy fuser does not know: {meta}"
    torchscript_legacy.set_flags()
    yield f"legacy executor, set in another file of the model, on cpu: {_outcome(_rotary(), *here)}"
    failing = _rotary()
    yield f"legacy executor on meta: {_outcome(failing, *away)}"
    x, bias = torch.ones(4, device="meta"), torch.ones(4, device="meta")
    yield f"the model's other scripted functions, legacy executor on meta: {_outcome(_other_function(), x, bias)}"
    torch._C._jit_set_profiling_executor(True)
    set_back = _outcome(failing, *away)
    yield f"the function that just failed, the executor set back: {set_back}"
    return not all(outcome.runs for outcome in (cpu, meta, set_back))


def _rotary() -> Callable[..., Any]:
    """A freshly scripted rotate_half function."""

    def apply(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x1, x2 = qkv.chunk(2, -1)
        return qkv * cos + torch.cat((-x2, x1), -1) * sin

    return _script(apply)


def _other_function() -> Callable[..., Any]:
    """A scripted function like those in SEDD's model/fused_add_dropout_scale.py."""

    def add_and_scale(x: Tensor, bias: Tensor) -> Tensor:
        return (x + bias) * 2.0

    return _script(add_and_scale)


def _script(function: Callable[..., Any]) -> Callable[..., Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        function_scripted: Callable[..., Any] = torch.jit.script(function)
    return function_scripted


def identical_to_flash_attn() -> Trying:
    """Compare native with flash-attn's own kernel, and the fix with itself as its test did."""
    yield _match_of_its_test()
    rotary = flash_attn.usable("interpreter")
    qkv, cos, sin = _inputs()
    half = SHAPE[-1] // 2
    theirs = rotary.apply_rotary_emb_qkv_(
        qkv.clone(), cos[0, :, 0, 0, :half], sin[0, :, 0, 0, :half]
    )
    off = (seed_native.load("cpu")(qkv, cos, sin) - theirs).abs()  # (B, S, 3, H, D)
    q, k, v = (float(off[:, :, slot].max()) for slot in range(3))
    yield f"flash-attn's kernel (interpreter stand-in) against native: largest difference on q {q:g}, on k {k:g}"
    yield f"on V {v:.2f}: {'native rotates V too, flash-attn does not' if v else 'none'}"
    return max(q, k, v) == 0.0


def _match_of_its_test() -> str:
    qkv, cos, sin = _inputs()
    with _without("flash_attn"):
        result = seed_fallback.load("cpu")(qkv, cos, sin)
    relation = (
        "equals" if torch.equal(result, seed_native.load("cpu")(qkv, cos, sin)) else "differs from"
    )
    return f"without flash-attn, as in its test, the fix runs {seed_fallback.path()[0]}: it {relation} native, itself"


def handles_all_exceptions() -> Trying:
    """Call the fix where flash-attn can be imported and cannot run."""
    outcome = _outcome(_silent(_importable_only()), *_inputs())
    yield f"flash-attn importable, no GPU for it: {outcome}"
    yield "`cos` was already cut to half its width when the fallback got it"
    return outcome.runs


def clear_messages() -> Trying:
    """Count what the fix prints, in both of its failing states."""
    qkv, cos, sin = _inputs()
    with _without("flash_attn"):
        quiet = _lines_printed(seed_fallback.load("cpu"), qkv, cos, sin)
    yield f"without flash-attn: {CALLS} calls, {len(quiet)} lines printed; nothing says that native ran"
    loud = _lines_printed(_importable_only(), qkv, cos, sin)
    yield f"flash-attn importable, no GPU for it: {CALLS} calls, {len(loud)} lines printed, one a call"
    yield from (f"each time: {line}" for line in dict.fromkeys(loud))
    return len(quiet) == 1 and len(loud) == 1


def _importable_only() -> Callable[..., Tensor]:
    """The fix in a process where flash-attn's import works and its kernel does not."""
    if importlib.util.find_spec("flash_attn") is None:
        raise Unavailable("flash-attn is not installed")
    os.environ["FLASH_ATTENTION_TRITON_AMD_ENABLE"] = "TRUE"
    importlib.import_module("flash_attn.layers.rotary")
    return seed_fallback.load("cpu")


def _lines_printed(function: Callable[..., Any], *arguments: Any) -> list[str]:
    """The lines that three calls print, whatever they raise."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        for _ in range(CALLS):
            with contextlib.suppress(RuntimeError):
                function(*arguments)
    return output.getvalue().splitlines()


def _silent(function: Callable[..., Any]) -> Callable[..., Any]:
    def quiet(*arguments: Any) -> Any:
        with contextlib.redirect_stdout(io.StringIO()):
            return function(*arguments)

    return quiet


def _without(package: str) -> contextlib.AbstractContextManager[Any]:
    """Make a package's import fail as when it is not installed."""
    return mock.patch.dict(sys.modules, {package: None})


_CLAIMS: dict[str, Callable[[], Trying]] = {
    "torchscript": torchscript_needs_cuda,
    "identical": identical_to_flash_attn,
    "exceptions": handles_all_exceptions,
    "messages": clear_messages,
}
