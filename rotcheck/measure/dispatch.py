"""A mode of torch that sees every operation, without the second that torch takes
to import its compiler first."""

from torch.utils._python_dispatch import TorchDispatchMode


class DispatchMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A `TorchDispatchMode` for which torch does not import Dynamo."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False
