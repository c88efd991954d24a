"""What is done to an object before it is asked, one file each; the file's name is the condition's.

A condition is a module with `run(trial) -> Evidence`, whose docstring says what is done, and `blames`, the code of
the finding (see diagnose/) when phases are wrong under it alone. `run` raises `DoesNotApply` with the reason where
the object is none to which that can be done.
"""

import pkgutil

FIRST = "constructed"
ON_CPU = ("beyond",)
"""Those that ask for rows that are not there, on the CPU whatever the device: on others it can end the process."""


def names() -> list[str]:
    """Return the names of all conditions, without importing any."""
    found = [module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)]
    return sorted(
        found, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)
    )


_ORDER = [
    FIRST,
    "half",
    "bfloat16",
    "to-bfloat16",
    "to-float32",
    "autocast",
    "matmul-high",
    "meta",
    "grown",
    "dtypes",
    "beyond",
]  # as reports show them
