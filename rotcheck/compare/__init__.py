"""Plan the cells, run them, measure, judge.

`plan`, `run` and `judge` are the front's; the rest runs inside workers and may import torch.
"""

import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """This package, which can be called: once it is imported, `rotcheck.compare` is it and not the function."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        from rotcheck.compare.run import compare

        return compare(*arguments, **named)


sys.modules[__name__].__class__ = _Room
