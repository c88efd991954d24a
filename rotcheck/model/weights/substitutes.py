"""What can stand in for the rotations of a model: for calls, or for operations."""

from collections.abc import Callable, Sequence

from torch.nn import Module

from rotcheck.model.weights.call_substitutes import CallSubstitutes
from rotcheck.model.weights.operation_substitutes import OperationSubstitutes
from rotcheck.model.weights.turned_call import NoTurn, TurnedCall

Substitutes = CallSubstitutes | OperationSubstitutes


def substitutes_of(
    calls: Sequence[TurnedCall], module: Module, run: Callable[[], object]
) -> Substitutes:
    """What stands in for the rotations of a model.

    Args:
        calls: as they were witnessed.
        module: the model that made them.
        run: the pass that was witnessed, once more.

    Raises:
        NoTurn: they are not the same when the model runs again, or are of both kinds.
    """
    kinds = {call.record.inline for call in calls}
    if len(kinds) > 1:
        raise NoTurn("some tensors are turned by functions, and others by none of their own")
    if kinds == {True}:
        return OperationSubstitutes(calls, module, run)
    return CallSubstitutes(calls, run)
