"""The questions asked of an implementation, one file each; the file's name is the check's.

A check is a module with `run(subject, case) -> Evidence`, whose docstring says what it asks, and
`needs_values`, False when the question can be asked of tensors without values (the `meta` stand-in).
"""

import pkgutil


def names() -> list[str]:
    """Return the names of all checks, without importing any."""
    found = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(found, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


_ORDER = [
    "forward",
    "backward",
    "dtype",
    "inputs",
    "strides",
    "repeat",
    "offset",
    "state",
]  # as reports show them
