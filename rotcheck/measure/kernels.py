"""Is a result computed by operations of torch,
or by a kernel that torch and autograd do not see?"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_leaves

from rotcheck.convention.calls import Call
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.dispatch import DispatchMode

MOVES = (  # they allocate or copy, and compute nothing
    *("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"),
    *("full", "full_like", "fill_"),
    *("zeros", "zeros_like", "new_zeros", "zero_", "clone", "_to_copy", "copy_", "cat", "stack"),
)
INTERPRETER = "triton.runtime.interpreter"


class Operations(DispatchMode):
    """Tracks the memory that no operation of torch has computed,
    for as long as the `with` block lasts.

    That is the memory of `inputs`, and what torch allocates or copies from it,
    until an operation writes there.
    """

    def __init__(self, inputs: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._raw_memory = {_address(x) for x in inputs}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the operation, and note what it computes."""
        result = func(*args, **(kwargs or {}))
        if interprets() and _called_by(INTERPRETER):  # it copies back what the kernel wrote
            return result
        inputs, outputs = _tensors((args, kwargs)), _outputs(func, args, kwargs or {})
        targets = {_address(x) for x in outputs}
        fresh = targets | {_address(x) for x in _tensors(result)} - {_address(x) for x in inputs}
        read = {_address(x) for x in inputs} - targets
        library, _, name = func._schema.name.partition("::")
        if library != "aten" or (name in MOVES and read <= self._raw_memory):
            self._raw_memory |= fresh
        else:
            self._raw_memory -= fresh
        return result

    def has_computed(self, tensor: Tensor) -> bool:
        """Whether an operation of torch computed the values of a tensor."""
        return _address(tensor) not in self._raw_memory


def by_kernel(function: Callable[[Call], Sequence[Tensor]], call: Call) -> bool:
    """Whether a kernel of Triton, CUDA or C++ computes what a function returns,
    and no operation of torch.

    Raises what the function raises.
    """
    operations = Operations((*call.inputs, *call.tables))
    with operations:
        results = function(call)
    return not any(map(operations.has_computed, results))


def _outputs(func: Any, args: Sequence[Any], keywords: Mapping[str, Any]) -> list[Tensor]:
    """The tensors that an operation writes, by its schema."""
    values = [
        (args[at] if at < len(args) else keywords.get(argument.name), argument.is_write)
        for at, argument in enumerate(func._schema.arguments)
    ]
    return [x for value, writes in values if writes for x in _tensors(value)]


def _tensors(value: Any) -> list[Tensor]:
    return [x for x in tree_leaves(value) if isinstance(x, Tensor)]


def _address(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()


def _called_by(module: str) -> bool:
    """Whether code of a module is on the stack."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != module:
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None
