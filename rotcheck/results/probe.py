"""The result of `rotcheck probe`: the machine, a line for each thing of it.

Most other results have the machine too.
"""

from typing import Any

import msgspec

from rotcheck.exit_codes import INTERRUPT, NOTHING_RAN, RIGHT

INTERPRETER = "interpreter"  # the stand-in device on which Triton kernels run on CPU tensors


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a probe: a thing of this machine, and what it did when it was run."""

    group: str  # "devices", "torchscript", "libraries", "compilers" or "switches"
    name: str  # what was run: "cpu", "legacy executor on meta", "flash-attn"
    state: str  # the group's word for what happened: "runs", "raises", "absent", "crashes", ...
    detail: str = ""  # what it is (name, memory, version) or what it said
    runs: int = 0  # how many times it was really run; 0 for what can only be read
    stand_in: bool = False  # meta and the Triton interpreter need no hardware
    failure: str | None = None  # id of the known failure that this is, as in `rotcheck explain ID`
    cause: str | None = None
    fix: str | None = None
    values: dict[str, Any] = {}  # the figures behind `detail`, for machines to read


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine a run was made on, without anything that names its owner."""

    system: str  # "Linux 6.1.0 x86_64, glibc 2.36"
    processor: str
    cores: int
    memory_gib: float
    python: str
    torch: str | None  # None: torch is not installed or cannot be imported; a line says why
    lines: tuple[Line, ...] = ()

    def devices(self) -> dict[str, Line]:
        """The lines of the devices that torch can name here, by device name."""
        return {line.name: line for line in self.lines if line.group == "devices"}

    def live_devices(self) -> list[str]:
        """The names of the devices that run, stand-ins apart."""
        return [
            name
            for name, line in self.devices().items()
            if line.state == "runs" and not line.stand_in
        ]


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck probe` found."""

    schema: str = "rotcheck/probe/1"
    rotcheck: str
    machine: Machine
    interrupted: bool = False

    def exit_code(self) -> int:
        """5 where no device runs."""
        if self.interrupted:
            return INTERRUPT
        return RIGHT if self.machine.live_devices() else NOTHING_RAN
