"""What a model really does with its positions, held against what its configuration declares.

`plan` and `run` are the front's; the rest runs inside workers and imports torch.
"""

from rotcheck.callable_room import callable_as

callable_as(__name__, "model")
