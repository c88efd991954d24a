"""Plan the cells, run them, measure, judge.

`plan`, `run` and `cells` are the front's; the rest runs inside workers and may import torch.
"""

from rotcheck.callable_room import callable_as

callable_as(__name__, "compare")
