"""Train a model a few steps with each implementation, from the same seed and data, beside its float64 twin.

`sequences`, `batches`, `plan`, `run` and `judge` are the front's; the rest runs inside workers and imports torch.
"""

from rotcheck.room import callable_as

callable_as(__name__, "train")
