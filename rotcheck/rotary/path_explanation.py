"""Which code a call runs, and why not the others."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ParamSpec

from torch import Tensor

from rotcheck.rotary.apply import QKV, apply_rotary
from rotcheck.rotary.call_plan import Arrangement, cached_plan
from rotcheck.rotary.out_argument import check_out
from rotcheck.rotary.paths import PATHS, choose, cpu, operations, tracing
from rotcheck.rotary.tables import cos_and_sin

Arguments = ParamSpec("Arguments")


@dataclass(frozen=True, slots=True)
class PathExplanation:
    """The path of a call: `str()` of it says the same in words."""

    path: str  # triton-kernel, flash-attn, cpu-kernel, blocks or operations
    what: str  # what that is
    others: dict[str, str]  # each path that would have been preferred, and why it was not taken

    def __str__(self) -> str:
        passed_over = "".join(f"\n  not {name}: {why}" for name, why in self.others.items())
        return f"{self.path}: {self.what}{passed_over}"


def _called_like(
    function: Callable[Arguments, Tensor],
) -> Callable[[Callable[..., PathExplanation]], Callable[Arguments, PathExplanation]]:
    """Give a function the arguments of another one, for whoever checks types or asks for help."""

    def mark(explaining: Callable[..., PathExplanation]) -> Callable[Arguments, PathExplanation]:
        like = inspect.signature(function).replace(return_annotation=PathExplanation)
        explaining.__signature__ = like  # type: ignore[attr-defined]
        return explaining

    return mark


@_called_like(apply_rotary)
def explain(
    x: Tensor,
    *tables: Tensor,
    theta: float = 10000.0,
    inplace: bool = False,
    out: Tensor | None = None,
    **options: Any,
) -> PathExplanation:
    """Which path a call with these arguments takes here, without running it.

    `explain(qkv, cos, sin)` with qkv (B, S, 3, H, D) is about `apply_rotary_pos_emb`; with
    `layout`, and for any other x, about `apply_rotary`, whose arguments it takes.

    Returns:
        The path, what it is, and why those that would be preferred cannot take the call.

    Raises:
        ValueError, TypeError, RuntimeError: as these two, for arguments that do not fit together.
    """
    arrangement = Arrangement(**options)
    if "layout" not in options and x.dim() == 5:
        arrangement = QKV._replace(rotate_v=arrangement.rotate_v)
    rotary_dim = arrangement.rotary_dim or x.shape[-1]
    cos, sin = cos_and_sin(arrangement.form, tables, rotary_dim, theta, x.device)
    if out is not None:
        check_out(out, x, cos, sin, inplace)
    out = x if inplace else out
    plan = cached_plan(arrangement, x.shape, cos.shape, sin.shape)
    path_taken = choose(x, cos, sin, plan, out)
    before = PATHS[: PATHS.index(path_taken)]
    reason = tracing() or (
        "the tables ask for a gradient" if cos.requires_grad or sin.requires_grad else None
    )
    others = {path.name: path.unfit(x, cos, sin, plan, out) or reason or "" for path in before}
    what = " ".join((path_taken.__doc__ or "").partition("\n\n")[0].split()).rstrip(".")
    return PathExplanation(path_taken.name, f"{what}{_because(path_taken, reason)}", others)


def _because(path: ModuleType, tracing: str | None) -> str:
    if path is cpu:
        return f" (threads: {cpu.threads()})"
    return f" ({tracing})" if path is operations and tracing else ""
