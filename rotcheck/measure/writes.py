"""Which memory torch's own operations wrote to: what a kernel writes by a pointer is not among it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class Writes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes each tensor that an operation writes into, for as long as the `with` block lasts."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._written: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the operation, and note what its schema says that it writes."""
        given: Mapping[str, Any] = kwargs or {}
        for at, argument in enumerate(func._schema.arguments):
            value = args[at] if at < len(args) else given.get(argument.name)
            if argument.is_write and isinstance(value, Tensor):
                self._written.add(value.untyped_storage().data_ptr())
        run: Callable[..., Any] = func
        return run(*args, **given)

    def into(self, tensor: Tensor) -> bool:
        """Return whether an operation wrote into the memory of a tensor."""
        return tensor.untyped_storage().data_ptr() in self._written
