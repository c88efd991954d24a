"""Train a model a few steps with each implementation, beside its float64 twin.

All runs start from the same seed and data. `sequences`, `batches`, `plan`, `run`,
`course_verdicts`, `failing_cells`, `rounding_limits` and `messages` are the front's; the rest runs
inside workers and imports torch.
"""

from rotcheck.callable_room import callable_as

callable_as(__name__, "train")
