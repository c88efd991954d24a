"""Time every implementation, side by side with a copy of its input and with one it is held against.

`plan`, `run`, `rows`, `shapes` and `figures` are the front's; the rest runs inside workers and may import torch.
"""

from rotcheck.room import callable_as

callable_as(__name__, "bench")
