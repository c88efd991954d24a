"""What is done to an object before it is measured, one file each, named after the condition.

A condition is a module with `run(specimen) -> ConditionResult`, whose docstring says what is done,
and `blames`, the code of the finding (see diagnose/) when phases are wrong under this condition
alone. `run` raises `DoesNotApply`, with the reason, for an object to which it cannot be done.
"""

import pkgutil

FIRST = "constructed"
ON_CPU = ("beyond",)
"""Those that ask for rows that are not there: on the CPU, elsewhere it may kill the process."""


def names() -> list[str]:
    """The names of all conditions, without importing any."""
    names_here = [module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)]
    return sorted(
        names_here, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)
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
