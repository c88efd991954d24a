"""Is a result computed by a kernel, which torch and its autograd do not see, or by operations of torch?"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.rotary.calls import Call

MOVES = (  # they allocate or copy, and compute nothing
    *(
        "empty",
        "empty_like",
        "empty_strided",
        "new_empty",
        "new_empty_strided",
        "full",
        "full_like",
        "fill_",
    ),
    *("zeros", "zeros_like", "new_zeros", "zero_", "clone", "_to_copy", "copy_", "cat", "stack"),
)
INTERPRETER = "triton.runtime.interpreter"


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows which memory no operation of torch computed, for as long as the `with` block lasts.

    That is the memory of what is `given`, and what torch allocates or copies from it, until an operation writes there.
    """

    def __init__(self, given: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._untouched = {_address(x) for x in given}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler first, which takes a second and more

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the operation, and note what it computes."""
        returned = func(*args, **(kwargs or {}))
        if interprets() and _called_by(INTERPRETER):  # it copies back what the kernel wrote
            return returned
        given, written = _tensors((args, kwargs)), _written(func, args, kwargs or {})
        own = {_address(x) for x in written}
        fresh = own | {_address(x) for x in _tensors(returned)} - {_address(x) for x in given}
        read = {_address(x) for x in given} - own
        library, _, name = func._schema.name.partition("::")
        if library != "aten" or (name in MOVES and read <= self._untouched):
            self._untouched |= fresh
        else:
            self._untouched -= fresh
        return returned

    def computed(self, tensor: Tensor) -> bool:
        """Return whether an operation of torch computed what a tensor holds."""
        return _address(tensor) not in self._untouched


def by_kernel(function: Callable[[Call], Sequence[Tensor]], call: Call) -> bool:
    """Return whether no operation of torch computes what a function gives back: a kernel of Triton, CUDA or C++ does.

    Raises what the function raises.
    """
    operations = Operations((*call.inputs, *call.tables))
    with operations:
        results = function(call)
    return not any(map(operations.computed, results))


def _written(func: Any, args: Sequence[Any], given: Mapping[str, Any]) -> list[Tensor]:
    """Return what the schema of an operation says that it writes."""
    values = [
        (args[at] if at < len(args) else given.get(one.name), one.is_write)
        for at, one in enumerate(func._schema.arguments)
    ]
    return [x for value, writes in values if writes for x in _tensors(value)]


def _tensors(value: Any) -> list[Tensor]:
    return [x for x in tree_leaves(value) if isinstance(x, Tensor)]


def _address(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()


def _called_by(module: str) -> bool:
    """Return whether code of a module is among what runs now."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != module:
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None
