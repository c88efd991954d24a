"""Holds what enters an attention against what was turned before it, in the steps that are watched.

Nothing is put in the place of a function, and no mode of torch is set: what torch compiles stays as
it is. What is not known to come from a rotation is passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from rotcheck.watch.inside.call_expression import tensors_of_call
from rotcheck.watch.inside.callers import Line, program_lines
from rotcheck.watch.inside.graph_attention import SoftmaxTensors
from rotcheck.watch.inside.softmax_watch import NAME as SOFTMAX
from rotcheck.watch.inside.softmax_watch import SoftmaxCall, SoftmaxWatch, as_cast
from rotcheck.watch.inside.tensor_parts import looks_wide, part
from rotcheck.witness.attention_kernels import KERNELS, kernel_tensors, kernel_turns
from rotcheck.witness.call_record import CallRecord, TensorTurn
from rotcheck.witness.profile_hook import may_look

if TYPE_CHECKING:
    from rotcheck.model.attention_inputs import AttentionInputs
    from rotcheck.watch.inside.call_watch import CallWatch
    from rotcheck.watch.inside.rotation_record import RotationRecord

MOST_LOOKS = 24  # at attentions
ROWS = 64  # of a sequence that are compared
HEADS = 2
WIDE = 4  # bytes of a value that no autocast made
MOST_ELEMENTS = 1 << 17  # of what enters
_KERNEL = functional.scaled_dot_product_attention
_FUNCTION = cast(Any, None)  # of a call that is not made again
_UNSURE = ": whether what was turned is used elsewhere is not known"


def is_attention(code: CodeType) -> bool:
    """Whether a function of Python may be an attention, by its name."""
    return code.co_name in KERNELS or code.co_name.endswith("attention_forward")


class AttentionWatch:
    """Told of each turn and of each attention of a model's call.

    Args:
        rotations: writes the rows, and knows which axis is the sequence.
        watch: counts the calls of functions that turn something, and names modules.
    """

    def __init__(self, rotations: "RotationRecord", watch: "CallWatch") -> None:
        self._rotations, self._watch = rotations, watch
        self._calls: list[CallRecord] = []
        self._looks, self._last = 0, 0
        self._softmax = SoftmaxWatch(self._judge_softmax, watch.owner)

    def begin(self) -> None:
        """A call of a model begins or ends: hold nothing of the one before."""
        self._calls, self._last = [], self._watch.turning_calls
        self._softmax.begin()

    def know_turns(self, turns: tuple[TensorTurn, ...], values: Mapping[str, Tensor]) -> None:
        """Know what a call turned, of which a few rows are held.

        Args:
            turns: a part of each tensor, before and after.
            values: the tensors themselves, by their arguments.
        """
        axes = [self._rotations.sequence(values[turn.argument]) for turn in turns]
        few = tuple(_few_rows(turn, axis) for turn, axis in zip(turns, axes) if axis is not None)
        if len(few) == len(turns):
            order = len(self._calls) + 1
            self._calls.append(CallRecord(_FUNCTION, "", order, {}, {}, turns=few))

    def hear_call(self, frame: FrameType, function: object) -> None:
        """A frame is about to call a function of C."""
        is_softmax = getattr(function, "__name__", "") == SOFTMAX
        if not (is_softmax or function is _KERNEL) or not may_look():
            return
        if is_softmax:
            if self._is_ready():
                self._softmax.hear_call(frame, function, tuple(self._calls))
            return
        if self._is_ready():
            tensors = tensors_of_call(frame, _KERNEL, ("query", "key", "value"))
            if tensors is not None:
                with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
                    self._look(frame, _KERNEL.__name__, tensors)
        self.begin()

    def hear_return(self, frame: FrameType, result: Any) -> None:
        """A function returns."""
        if self._softmax.is_waiting and may_look():
            with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
                self._softmax.hear_return(frame, result)

    def hear_frame(self, frame: FrameType) -> None:
        """A function begins that may be an attention by its name."""
        name, module = frame.f_code.co_name, str(frame.f_globals.get("__name__", ""))
        values = frame.f_locals
        tensors = kernel_tensors(name, module, values) or _of_interface(module, values)
        if tensors is None:
            return
        if self._is_ready():
            self._look(frame.f_back or frame, name, tensors, kernel_turns(values))
        self.begin()

    def _is_ready(self) -> bool:
        """Whether every call that turned something since the attention before was looked at."""
        count = self._watch.turning_calls - self._last
        return 0 < count == len(self._calls) and self._looks < MOST_LOOKS

    def _look(
        self, frame: FrameType, kind: str, tensors: tuple[Tensor, ...], turns: str = ""
    ) -> None:
        if all(map(looks_wide, tensors)):
            q, k, v = map(self._part, tensors)
            lines, owner = program_lines(frame), self._watch.owner(frame)
            self._judge(kind, lines, owner, self._calls, (q, k, v), turns)

    def _judge_softmax(self, call: SoftmaxCall, tensors: SoftmaxTensors) -> None:
        """Judge the attention of a softmax of the program's own."""
        if not all(looks_wide(x) for x in tensors if x is not None):
            return
        q, k = (self._part(_first_heads(x)) for x in (tensors.q, tensors.k))
        v = None if tensors.v is None else self._part(_first_heads(tensors.v))
        calls = as_cast(call.calls, q.dtype) if q.dtype.itemsize < WIDE else call.calls
        if self._judge(SOFTMAX, call.lines, call.owner, calls, (q, k, v)):
            self.begin()

    def _judge(
        self,
        kind: str,
        lines: Sequence[Line],
        owner: str,
        calls: Sequence[CallRecord],
        tensors: tuple[Tensor, Tensor, Tensor | None],
        turns: str = "",
    ) -> bool:
        """Write what entered an attention; whether it is one of what was turned."""
        from rotcheck.model.attention_inputs import attention_inputs  # half a second
        from rotcheck.witness.attention import AttentionCall

        self._looks += 1
        q, k, v = tensors
        entry = AttentionCall(kind, owner, len(calls) + 1, q, k, v, turns=turns)
        (inputs,) = attention_inputs(calls, [entry])
        verdict = _verdict(inputs)
        if verdict is not None and lines:
            facts = {"function": kind, "does": inputs.words, "devices": [str(q.device)]}
            self._rotations.write_attention(lines[0], owner, q.dtype, **facts, **verdict)
        return any(
            slot.turn is not None or slot.state == "unturned" for slot in (inputs.q, inputs.k)
        )

    def _part(self, x: Tensor) -> Tensor:
        axis = self._rotations.sequence(x)
        x = x if axis is None else x.narrow(axis, 0, min(ROWS, x.shape[axis]))
        return part(x, MOST_ELEMENTS).detach()


def _first_heads(x: Tensor) -> Tensor:
    """The first ones of a batch of products, (B * H, S, D)."""
    return x[:HEADS] if x.dim() == 3 else x


def _few_rows(turn: TensorTurn, axis: int) -> TensorTurn:
    """The first rows of a turn, of the first head of the first sequence."""
    before, after = (_corner(x, axis).clone() for x in (turn.before, turn.after))
    return TensorTurn(turn.argument, before, after, replace(turn.turn, blank=None))


def _corner(x: Tensor, axis: int) -> Tensor:
    for index in range(x.dim() - 1):
        x = x.narrow(index, 0, min(ROWS if index == axis else 1, x.shape[index]))
    return x


def _of_interface(module: str, values: Mapping[str, Any]) -> tuple[Tensor, Tensor, Tensor] | None:
    """What a function gets that transformers has as an attention."""
    if module.partition(".")[0] != "transformers":
        return None
    q, k, v = (values.get(name) for name in ("query", "key", "value"))
    if isinstance(q, Tensor) and isinstance(k, Tensor) and isinstance(v, Tensor):
        return q, k, v
    return None


def _verdict(inputs: "AttentionInputs") -> dict[str, str] | None:
    """Verdict, finding and message; None: q and k are not known to come from a rotation."""
    code, words = inputs.finding
    states = {inputs.q.state, inputs.k.state}
    if not code:
        is_right = states == {"turned"}
        return {"verdict": "agrees", "finding": "", "message": ""} if is_right else None
    if code == "copy-dropped" and not states <= {"turned", "twice", "unturned"}:
        return None
    is_lost = code == "copy-dropped" and states == {"unturned"}
    is_shared = any(inputs.v.turn is slot.turn for slot in (inputs.q, inputs.k))
    if is_lost or (code == "v-rotated" and is_shared):
        return {"verdict": "unidentified", "finding": "", "message": f"{words}{_UNSURE * is_lost}"}
    return {"verdict": "disagrees", "finding": code, "message": words}
