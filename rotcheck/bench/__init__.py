"""Time every implementation, side by side with a copy of its input and with one it is held against.

`plan`, `run`, `timings`, `qkv_shapes`, `standings` and `timing_statistics` are the front's; the
rest runs inside workers and may import torch.
"""

from rotcheck.callable_room import callable_as

callable_as(__name__, "bench")
