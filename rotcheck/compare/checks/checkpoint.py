"""Is the gradient the same under activation checkpointing of either kind?

Catches: paths that write in place when gradients are off.
"""

from functools import partial
from typing import Any

from torch import Tensor
from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop

from rotcheck.compare.gradient_flow import check_gradients, check_graph
from rotcheck.convention.calls import results
from rotcheck.implementations.interface import Function
from rotcheck.measure.case import SEED, Case, Slots
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.other_calls import worst
from rotcheck.measure.subject import Subject
from rotcheck.measure.transforms import compare_pairs

level = "full"
order = 40
traces = True
needs_gradient = True


def run(subject: Subject, case: Case) -> Evidence:
    """Square the rotation, send a random gradient back through a checkpoint of either kind, and
    measure it.

    The square's gradient depends on the rotated values, and so on those that are computed a second
    time.
    """
    upstream = tuple(slot.to(case.dtype).double() for slot in case.draw(SEED + 1))
    in_place = case.convention.in_place
    with subject.through(partial(_half_of_square, in_place=in_place)):
        plain = _gradient(subject, case, upstream)
    answers = []
    for reentrant in (False, True):
        with subject.through(partial(_under_checkpoint, reentrant=reentrant, in_place=in_place)):
            gradient = _gradient(subject, case, upstream)
        message = f"checkpointed (use_reentrant={reentrant}), it has another gradient"
        answers.append(
            compare_pairs(case, gradient, plain, upstream, code="checkpoint", message=message)
        )
    return worst(answers)


def _gradient(subject: Subject, case: Case, upstream: Slots) -> Slots:
    """The gradient that reaches the inputs, as pairs."""
    call = case.call()
    leaves = [x.requires_grad_() for x in call.inputs]
    squares = subject.call(call.of(*leaves))
    check_graph(squares)
    with subject.running():
        loss: Any = sum(
            (square * flow).sum() for square, flow in zip(squares, case.backwards(upstream))
        )
        loss.backward()
    return case.read_inputs(check_gradients([leaf.grad for leaf in leaves]))


def _half_of_square(function: Function, *, in_place: bool) -> Function:
    """Half of the square of each result, for a function; one that writes in place gets copies."""

    def half_of_square(*args: Any, **keyword: Any) -> Any:
        values = [*args, *keyword.values()]
        copies = [_copy(value) for value in values] if in_place else values
        answer = function(*copies[: len(args)], **dict(zip(keyword, copies[len(args) :])))
        inputs = [value for value, was in zip(copies, values) if _requires_grad(was)]
        return tuple(result * result / 2 for result in results(answer, inputs, in_place))

    return half_of_square


def _under_checkpoint(function: Function, *, reentrant: bool, in_place: bool) -> Function:
    """Keep nothing of a call between forward and backward."""
    square = _half_of_square(function, in_place=in_place)

    def with_checkpoint(*args: Any, **keyword: Any) -> Any:
        def inside(*values: Any) -> Any:  # the reentrant kind takes no keywords
            return square(*values[: len(args)], **dict(zip(keyword, values[len(args) :])))

        # it stops by an exception, which TorchScript does not let through
        with set_checkpoint_early_stop(False):
            return checkpoint(inside, *args, *keyword.values(), use_reentrant=reentrant)

    return with_checkpoint


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _requires_grad(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad
