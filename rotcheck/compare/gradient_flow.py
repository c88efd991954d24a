"""Inside a worker: calls whose results autograd sees, and the gradients that reach their inputs."""

from collections.abc import Sequence

from torch import Tensor

from rotcheck.convention.calls import Call
from rotcheck.measure.case import Case
from rotcheck.measure.subject import Wrong


def differentiable_call(case: Case) -> tuple[list[Tensor], Call]:
    """The inputs of a call as leaves, and the call: of copies, if it writes in place."""
    call = case.call()
    leaves = [x.requires_grad_() for x in call.inputs]
    return leaves, call.of(*(x.clone() for x in leaves)) if case.convention.in_place else call


def check_graph(results: Sequence[Tensor]) -> None:
    """Raise `Wrong` for results that carry no gradient."""
    if not all(result.requires_grad for result in results):
        message = "the result carries no gradient: autograd does not see the rotation"
        raise Wrong("no-gradient", message)


def check_gradients(gradients: Sequence[Tensor | None]) -> list[Tensor]:
    """The gradients of all inputs. Raises `Wrong` where none reaches one of them."""
    there = [gradient for gradient in gradients if gradient is not None]
    if len(there) < len(gradients):
        message = "no gradient reaches the input: autograd does not see the rotation"
        raise Wrong("no-gradient", message)
    return there
