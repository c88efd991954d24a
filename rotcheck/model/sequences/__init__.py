"""The ways in which a model is called, a file each, named after the way.

A way is a module with `TITLE`, the way in words, and `run(subject) -> WayOutcome`, which calls the
model in this way and holds what it does against one forward pass over the whole sequence. `run`
raises `WayClosed`, with the reason, for a model that cannot be called so.
"""

import pkgutil

ON_REQUEST = ("to-bfloat16", "compile", "reload", "meta")
"""What is done to a model rather than with it, or takes long: only tried where it is named."""

_FRAME = "way"  # the file that says what a way gets and returns


def names() -> tuple[str, ...]:
    """The names of all ways, in the order to show them, without importing any."""
    files = (module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    ways = [name.replace("_", "-") for name in files if name != _FRAME]
    return tuple(sorted(ways, key=lambda name: (_place(name), name)))


def usual() -> tuple[str, ...]:
    """The names of the ways that are tried unless others are named."""
    return tuple(name for name in names() if name not in ON_REQUEST)


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


_ORDER = [
    "decode",
    "chunked-prefill",
    "left-padding",
    "padded-decode",
    "uneven-rows",
    "packing",
    "beyond",
    "to-bfloat16",
    "autocast",
    "checkpointing",
    "compile",
    "reload",
    "meta",
]
