"""What is said of a kernel that writes elsewhere than into its tensors."""

OUTSIDE = "writes-outside"
"""The code of the finding."""


def outside(tensor: str, look_at: str = "the masks of its stores", *, verb: str = "writes") -> str:
    """What it does, in words, and what to look at."""
    return f"{verb} outside of {tensor}: look at {look_at}"
