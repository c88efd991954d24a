"""Inside a worker: what a package wants set before objects of its classes can be built,
as lines that set it."""

import inspect
from collections.abc import Callable
from typing import Any

LINES = {
    "vllm": (
        "from vllm.config import DeviceConfig, VllmConfig, set_current_vllm_config",
        "",
        'around = set_current_vllm_config(VllmConfig(device_config=DeviceConfig(device="cpu")))',
        "around.__enter__()",
    )
}
"""By the package that a class, or one that it derives from, is of."""

_NAMESPACES: dict[str, dict[str, Any]] = {}  # with what the lines define, which must live on


def lines(kind: Any) -> list[str]:
    """The lines that set what the packages of a class want; none for most."""
    return [line for package in _packages(kind) for line in LINES[package]]


def settle(kind: Callable[..., Any]) -> None:
    """Set what the packages of a class want, once in this process; raises what they raise."""
    for package in _packages(kind):
        if package not in _NAMESPACES:
            _NAMESPACES[package] = {}
            exec("\n".join(LINES[package]), _NAMESPACES[package])


def _packages(kind: Any) -> list[str]:
    bases = inspect.getmro(kind) if inspect.isclass(kind) else ()
    return [
        name for name in LINES if any(base.__module__.partition(".")[0] == name for base in bases)
    ]
