"""Sees the attention that a program writes out itself: a softmax over products of q and k."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from rotcheck.watch.inside.call_expression import tensors_of_call
from rotcheck.watch.inside.callers import Line, is_passed_over, program_lines
from rotcheck.watch.inside.graph_attention import (
    SoftmaxTensors,
    graph_attention,
    keeps_operands,
    next_node_number,
)
from rotcheck.watch.inside.score_operands import score_operands
from rotcheck.witness.call_record import CallRecord, TensorTurn, tensors_in

NAME = "softmax"
MOST = 8  # that wait for what comes of them
MOST_LOOKS = 64
MOST_DEPTH = 2  # functions that return before the weights meet v


@dataclass(frozen=True, slots=True)
class SoftmaxCall:
    """A softmax in a function of the program, of which nothing has come yet.

    `frame`: of the function. `number`: of the node that autograd makes next. `calls`: those that
    turned something since the attention before. `depth`: how many functions have returned.
    """

    frame: FrameType
    lines: Sequence[Line]
    owner: str
    number: int
    calls: Sequence[CallRecord]
    depth: int = 0


Judge = Callable[[SoftmaxCall, SoftmaxTensors], None]
"""Told of the attention that a softmax belongs to."""


class SoftmaxWatch:
    """Told of each softmax, and of each function that returns.

    Args:
        judge: is told of each attention.
        owner: gives the module of the model that a frame belongs to.
    """

    def __init__(self, judge: Judge, owner: Callable[[FrameType | None], str]) -> None:
        self._judge, self._owner = judge, owner
        self._waiting: list[SoftmaxCall] = []
        self._looks = 0

    @property
    def is_waiting(self) -> bool:
        """Whether something has yet to come of a softmax."""
        return bool(self._waiting)

    def begin(self) -> None:
        """Wait for nothing any more."""
        self._waiting = []

    def hear_call(self, frame: FrameType, function: Any, calls: Sequence[CallRecord]) -> None:
        """A softmax is about to be computed, after calls that turned something."""
        caller = _program_frame(frame)
        if caller is None or self._looks >= MOST_LOOKS or len(self._waiting) >= MOST:
            return
        self._looks += 1
        facts = program_lines(frame), self._owner(caller), next_node_number(), calls
        call = SoftmaxCall(caller, *facts)
        if keeps_operands():
            self._waiting.append(call)
            return
        with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
            scores = _scores(frame, function)
            pair = None if scores is None else score_operands(scores, caller.f_locals)
            if pair is not None:
                self._judge(call, SoftmaxTensors(*pair, None))

    def hear_return(self, frame: FrameType, result: Any) -> None:
        """A function returns, in which there may have been a softmax."""
        calls = [call for call in self._waiting if call.frame is frame]
        if not calls:
            return
        self._waiting = [call for call in self._waiting if call.frame is not frame]
        results = [x for _, x in tensors_in(result)]
        for call in calls:
            attention = graph_attention(results, call.number)
            caller = _program_frame(frame.f_back)
            if (attention is None or attention.v is None) and caller and call.depth < MOST_DEPTH:
                self._waiting.append(replace(call, frame=caller, depth=call.depth + 1))
            elif attention is not None:
                self._judge(call, attention)


def _scores(frame: FrameType, function: Any) -> Tensor | None:
    """What a softmax gets; None: its call does not tell."""
    scores = getattr(function, "__self__", None)
    if function is torch.softmax:
        (scores,) = tensors_of_call(frame, function, ("input",)) or (None,)
    return scores if isinstance(scores, Tensor) else None


def as_cast(calls: Sequence[CallRecord], dtype: torch.dtype) -> list[CallRecord]:
    """The calls with what they turned in a dtype, as autocast hands it to a product."""

    def cast(turn: TensorTurn) -> TensorTurn:
        return replace(turn, before=turn.before.to(dtype), after=turn.after.to(dtype))

    return [replace(call, turns=tuple(map(cast, call.turns))) for call in calls]


def _program_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame that is the program's."""
    while frame is not None and is_passed_over(frame.f_code.co_filename):
        frame = frame.f_back
    return frame
