"""The families of devices, a file each; a new family is a new file here and nothing else.

The front lists the files, a worker imports them. Each file has three functions, those of `Family`:
what torch claims to have, the figures of one device, and one run of a small kernel on it. What
needs no hardware is a file in `stand_ins/`.
"""

import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

State = Literal["runs", "claimed but does not run", "not built in", "no driver", "not here"]

EXECUTORS = ("default executor", "legacy executor", "oneDNN")
DTYPES = ("float64", "float32", "bfloat16", "float16", "complex64")


@dataclass(frozen=True, slots=True)
class DeviceClaim:
    """What a family reports before anything has run: a device to try, or why there is none."""

    name: str  # "cuda:0", or the family's name when it has no device here
    state: State | None = None  # None: there is a device to try
    reason: str = ""
    stand_in: bool = False  # set for those of `stand_ins/`
    executors: tuple[str, ...] = EXECUTORS  # of TorchScript, to try on it
    failure_state: State = "claimed but does not run"  # its state when nothing runs on it


class Family(Protocol):
    """The functions of a file of this folder."""

    def claims(self) -> list[DeviceClaim]:
        """What torch says it has of this family; a claim with a state needs no run."""

    def facts(self, device: str) -> dict[str, Any]:
        """The figures of a device: `name`, `memory_gib`, `capability`, `arch_list`, `warning`."""

    def run(self, device: str, dtype: str) -> None:
        """Run one small kernel on the device; raise if it fails or reads back wrong."""


def _files(folder: Iterable[str]) -> tuple[str, ...]:
    return tuple(file.name for file in pkgutil.iter_modules(folder) if not file.ispkg)


STAND_INS = _files([f"{folder}/stand_ins" for folder in __path__])


def families() -> list[str]:
    """The names of the files, `cpu` first."""
    return sorted((*_files(__path__), *STAND_INS), key=lambda name: (name != "cpu", name))
