"""What enters the attention: q, k and v of each fused call, and of each softmax over products."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from rotcheck.witness.attended_keys import attended_keys, weighted_keys
from rotcheck.witness.attention_kernels import KernelInputs
from rotcheck.witness.call_record import tensors_in
from rotcheck.witness.frame_operations import FrameOperations
from rotcheck.witness.score_scale import score_scale

Counter = Callable[[], int]
Trace = Callable[[], FrameOperations | None]
_FUSED_KERNELS = {functional.scaled_dot_product_attention}
_SOFTMAX = {torch.softmax, functional.softmax, Tensor.softmax}
_JOINS = {torch.cat, torch.concat, torch.concatenate}
_SLICES = {Tensor.__getitem__, torch.narrow, Tensor.narrow}
_SUMS = {torch.einsum}
_PRODUCTS = _SUMS | {  # of the last two tensors: of baddbmm, they follow what is added
    torch.matmul, Tensor.matmul, Tensor.__matmul__, Tensor.__rmatmul__, torch.bmm, Tensor.bmm,
    torch.baddbmm, Tensor.baddbmm,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AttentionCall:
    """What an attention was computed of.

    q and k: (..., S, D); of a fused call as they were handed in. v is None where the product with
    the weights was not seen. `nodes`: those of autograd's graph that made q and k, and the one of
    the attention itself; None where there is no gradient. `turns`: which of q and k a kernel
    turns itself. `scale`: what their products were multiplied with; None: nobody knows. `sees`:
    which keys each query looks at, ([B,] S, T); None: nobody knows.
    """

    kind: str  # "scaled_dot_product_attention", "softmax"
    owner: str  # the module of the model that called it
    order: int
    q: Tensor
    k: Tensor
    v: Tensor | None
    nodes: tuple[Any, Any, Any] = (None, None, None)
    turns: str = ""
    scale: float | None = None
    sees: Tensor | None = None


class AttentionWitness(TorchFunctionMode):
    """Sees each attention while the `with` block lasts.

    Args:
        order: gives each call its number.
        owner: gives the name of the module at work.
        trace: gives what keeps the operations of the frame at work, if anything does.

    Attributes:
        calls: in the order in which they were made.
    """

    def __init__(self, order: Counter, owner: Callable[[], str], trace: Trace) -> None:
        super().__init__()
        self.calls: list[AttentionCall] = []
        self._order, self._owner, self._trace = order, owner, trace
        self._above: list[TorchFunctionMode] = []  # modes that stood on this one when it left
        self._is_away = False
        self._scores: dict[int, tuple[Tensor, Tensor, Tensor]] = {}  # id: the scores, q, k
        self._weights: dict[int, tuple[Tensor, int]] = {}  # id: the weights, index of the call

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        trace = self._trace()
        before = trace.copy_before(func, args) if trace else None
        result = func(*args, **kwargs)
        values = [*args, *kwargs.values()]
        if trace:
            trace.add(func, values, result, before)
        if isinstance(result, Tensor):
            self._see(func, values, result, kwargs.get("scale"))
            if func in _FUSED_KERNELS:
                self.calls[-1] = replace(self.calls[-1], sees=attended_keys(args, kwargs))
        return result

    def add_kernel(self, inputs: KernelInputs, result: Any) -> None:
        """Keep the call of a kernel, whose tensors are copies as they were before it."""
        node = next((y.grad_fn for _, y in tensors_in(result)), None)
        place = inputs.kernel, self._owner(), self._order()
        nodes = inputs.nodes[0], inputs.nodes[1], node
        self.calls.append(AttentionCall(*place, inputs.q, inputs.k, inputs.v, nodes, inputs.turns))

    def leave(self) -> None:
        """Go from torch's modes, into each of which a compiler looks, until `come_back`."""
        while torch._C._len_torch_function_stack() > 0:
            mode = torch._C._pop_torch_function_stack()
            if mode is self:
                self._is_away = True
                break
            self._above.append(mode)
        self._put_above()
        if not self._is_away:  # a mode that is at work is not in the stack
            self._above.clear()

    def come_back(self) -> None:
        """Stand where it stood among torch's modes."""
        if self._is_away:
            for _ in self._above:
                torch._C._pop_torch_function_stack()
            torch._C._push_on_torch_function_stack(self)
            self._put_above()
        self._is_away = False
        self._above.clear()

    def _put_above(self) -> None:
        for mode in reversed(self._above):
            torch._C._push_on_torch_function_stack(mode)

    def _see(self, func: Any, values: Sequence[Any], result: Tensor, scale: Any) -> None:
        tensors = [value for value in _flat(values) if isinstance(value, Tensor)]
        if func in _FUSED_KERNELS:
            scale = tensors[0].shape[-1] ** -0.5 if scale is None else scale
            self._add("scaled_dot_product_attention", result, scale, *tensors[:3])
        elif func in _SOFTMAX:
            scores = self._scores.get(id(tensors[0]))
            if scores is not None:
                scale = score_scale(tensors[0], scores[1], scores[2])
                self._add("softmax", result, scale, scores[1], scores[2])
                self.calls[-1] = replace(self.calls[-1], sees=weighted_keys(result))
                self._weights[id(result)] = (result, len(self.calls) - 1)
        elif len(tensors) >= 2 and func in _PRODUCTS:
            self._see_product(func, values, tensors[-2:], result)
        else:
            self._follow(func, tensors, result)

    def _see_product(
        self, func: Any, values: Sequence[Any], operands: Sequence[Tensor], result: Tensor
    ) -> None:
        first, second = operands
        if id(first) in self._weights:
            _, index = self._weights[id(first)]
            self.calls[index] = replace(self.calls[index], v=second.detach().clone())
            return
        if func in _SUMS:
            lanes = _lane_axes(str(values[0]))
            if lanes is None:
                return
            first, second = first.movedim(lanes[0], -1), second.movedim(lanes[1], -1)
        elif second.dim() >= 2:
            second = second.transpose(-1, -2)
        self._scores[id(result)] = (result, first, second)

    def _follow(self, func: Any, tensors: Sequence[Tensor], result: Tensor) -> None:
        """Know scores, and weights, again after they were scaled, masked, cast or reshaped; scores
        after a sink was joined to them, and weights after its own was cut off."""
        for tensor in tensors:
            if id(tensor) in self._scores and (
                result.numel() == tensor.numel() or (func in _JOINS and _is_wider(result, tensor))
            ):
                self._scores[id(result)] = (result, *self._scores[id(tensor)][1:])
            if id(tensor) in self._weights and (
                result.numel() == tensor.numel() or (func in _SLICES and _is_wider(tensor, result))
            ):
                self._weights[id(result)] = (result, self._weights[id(tensor)][1])

    def _add(
        self,
        kind: str,
        result: Tensor,
        scale: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor | None = None,
    ) -> None:
        copies = q.detach().clone(), k.detach().clone(), v if v is None else v.detach().clone()
        nodes = q.grad_fn, k.grad_fn, result.grad_fn
        factor = float(scale) if isinstance(scale, int | float) else None
        call = AttentionCall(kind, self._owner(), self._order(), *copies, nodes, scale=factor)
        self.calls.append(call)


def _is_wider(wide: Tensor, narrow: Tensor) -> bool:
    """Whether a tensor has one column more than another one: a sink, which takes attention and
    gives nothing."""
    return wide.shape == (*narrow.shape[:-1], narrow.shape[-1] + 1)


def _flat(values: Sequence[Any]) -> list[Any]:
    parts: list[Any] = []
    for value in values:
        parts += value if isinstance(value, tuple | list) else [value]
    return parts


def _lane_axes(equation: str) -> tuple[int, int] | None:
    """The axes of the two operands of an einsum that it sums over; None: there is not one."""
    operands, _, result = equation.replace(" ", "").replace("...", "").partition("->")
    first, _, second = operands.partition(",")
    lanes = [axis for axis in first if axis in second and axis not in result]
    if len(lanes) != 1 or not second:
        return None
    return first.index(lanes[0]) - len(first), second.index(lanes[0]) - len(second)
