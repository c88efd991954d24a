"""The state of a module, which a call that its model did not make is not to change."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import Module


@contextmanager
def kept_state(values: Iterable[Any]) -> Iterator[None]:
    """Keep the modules among these values as they are, whatever is called within: the attributes
    that a dynamic schedule sets at far positions, and what it writes into its buffers."""
    parts = {
        id(part): part for value in values if isinstance(value, Module) for part in value.modules()
    }.values()
    attributes = [(part, {key: _copy(x) for key, x in vars(part).items()}) for part in parts]
    buffers = [(x, x.clone()) for part in parts for x in part.buffers(recurse=False)]
    try:
        yield
    finally:
        for part, before in attributes:
            vars(part).clear()
            vars(part).update(before)
        for buffer, copied in buffers:
            if not torch.equal(buffer, copied):  # what autograd has seen stays as it is
                with torch.no_grad():
                    buffer.copy_(copied)


def _copy(value: Any) -> Any:
    """A dictionary of a module's parts copied; any other value itself."""
    return dict(value) if type(value) is dict else value
