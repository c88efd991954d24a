"""Which cells a request means, and the jobs that run them."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rotcheck.compare.checks import levels, names
from rotcheck.compare.judgement import CONVENTION, setup_of
from rotcheck.errors import RequestError
from rotcheck.identify.run import Identified
from rotcheck.implementations import registry
from rotcheck.isolation import Job
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import Line, Machine

DTYPES = ("float32", "bfloat16", "float16", "float64")
DEFAULT_DTYPES = DTYPES[:3]
WORKER = "rotcheck.compare.worker"
PATIENCE = 10  # times as long may a check take that compiles
LEAST = 15.0  # seconds for a cell on a device for which whatever runs there is compiled first


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for, checked as far as it can be before anything runs."""

    implementations: tuple[str, ...]
    devices: tuple[str, ...]  # empty: all that run here
    dtypes: tuple[str, ...]  # empty: the default ones, and float64 where the device has it
    checks: tuple[str, ...]


def request(
    implementations: Sequence[str],
    devices: Sequence[str],
    dtypes: Sequence[str],
    checks: Sequence[str],
    full: bool = False,
) -> Request:
    """Return the request; raises `RequestError` for a name that cannot be one.

    A `file.py` stands for all rotary functions in it. No checks: the quick ones, or with `full` all of them.
    """
    implementations = expanded(implementations)
    check_known("dtype", dtypes, DTYPES)
    check_known("check", checks, check_names())
    return Request(
        once(implementations) or tuple(registry.names()),
        once(devices),
        once(dtypes),
        tuple(
            name
            for name in check_names()
            if name in (checks or check_names(None if full else "quick"))
        ),
    )


def check_names(level: str | None = None) -> list[str]:
    """Return the names of all checks, or of those of a level: what `identify` says, and those that workers run."""
    return [CONVENTION, *names(level)]


def expanded(implementations: Sequence[str]) -> list[str]:
    """Return the implementations, for a `file.py` all rotary functions in it.

    Raises `RequestError` for a name that cannot be one.
    """
    every = [
        name for implementation in implementations for name in registry.expanded(implementation)
    ]
    for name in every:
        registry.check(name)
    return every


def devices(asked: Sequence[str], machine: Machine) -> list[str]:
    """Return the devices to run on; raises `RequestError` for one that is not here, saying what is."""
    lines = machine.devices()
    here = [name for name, line in lines.items() if line.state == "runs"]
    if machine.torch is None or not lines:  # nothing can be told of them
        return list(asked) or ["cpu"]
    if not asked:
        return [name for name in here if not lines[name].stand_in]
    return list(dict.fromkeys(_device(name, lines, here) for name in asked))


def jobs(
    wanted: Request,
    devices: Sequence[str],
    machine: Machine,
    *,
    timeout: float,
    outputs: bool,
    identified: Mapping[str, Identified] = {},
) -> list[Job]:
    """Return a job for each implementation on each device, its tasks [dtype, check].

    Checks of the level `full` are a job of their own, behind the others: they compile and trace, which takes time
    and leaves its marks on the process. `identified`: what was found out of those that were given. `timeout`:
    seconds for a cell, and 15 at least on a device that is not the CPU.
    """
    return [
        Job(
            name=name,
            target=f"{WORKER}:open_implementation",
            setup={
                "implementation": name,
                "device": device,
                "outputs": outputs,
            }
            | setup_of(identified.get(name)),
            tasks=[
                [dtype, check] for dtype in dtypes_on(wanted, device, machine) for check in checks
            ],
            **_limits(device, timeout, patience),
        )
        for checks, patience in _by_level(wanted.checks)
        for device in devices
        for name in wanted.implementations
    ]


def _by_level(checks: Sequence[str]) -> list[tuple[list[str], int]]:
    """Return the quick checks and the others, as far as there are some, and how many times as long each may take."""
    run = [name for name in checks if name != CONVENTION]
    quick = [name for name in run if levels()[name] == "quick"]
    others = [name for name in run if name not in quick]
    return [each for each in ((quick, 1), (others, PATIENCE)) if each[0]]


def _limits(device: str, timeout: float, patience: int) -> dict[str, Any]:
    """Return what a job on the device may take; behind what raised there, another process goes on."""
    if device in ("cpu", *STAND_INS):
        return {"limit": patience * timeout, "opening_limit": 3 * timeout}
    seconds = max(timeout, LEAST)
    limits = {"limit": patience * seconds, "opening_limit": 3 * seconds, "least": LEAST}
    return limits | {"slow_start": True, "fresh_after_raising": True}


def display_names(implementations: Collection[str]) -> dict[str, str]:
    """Return what each is called in a report: of a path only as much as tells it from the others."""
    parts = {name: name.split("/") for name in implementations}

    def shown(own: list[str], length: int = 1) -> str:
        alike = [other for other in parts.values() if other[-length:] == own[-length:]]
        return "/".join(own[-length:]) if len(alike) == 1 else shown(own, length + 1)

    return {name: shown(own) for name, own in parts.items()}


def dtypes_on(wanted: Request, device: str, machine: Machine) -> tuple[str, ...]:
    """Return the dtypes that are asked for on a device."""
    if wanted.dtypes:
        return wanted.dtypes
    line = machine.devices().get(device)
    works = line.values.get("dtypes", ()) if line else ()
    return DEFAULT_DTYPES + (("float64",) if "float64" in works or device in STAND_INS else ())


def _device(name: str, lines: dict[str, Line], here: list[str]) -> str:
    for candidate in (name, f"{name}:0"):
        if candidate in here:
            return candidate
    line = lines.get(name) or lines.get(name.partition(":")[0])
    why = (
        f"{line.state}{': ' + line.detail if line.detail else ''}"
        if line
        else "torch knows no such device"
    )
    if line and line.state == "runs":
        why = "there is no such index"
    real = [device for device in here if not lines[device].stand_in]
    raise RequestError(
        f"device {name!r} is not on this machine ({why}). Here are: {', '.join(real) or 'none'}; "
        f"and the stand-ins {', '.join(device for device in here if lines[device].stand_in) or 'none'}"
    )


def check_known(kind: str, asked: Sequence[str], known: Sequence[str]) -> None:
    """Raise `RequestError` when one of those asked for is not known."""
    for name in asked:
        if name not in known:
            near: Any = difflib.get_close_matches(name, known, 1, 0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise RequestError(f"unknown {kind} {name!r}; {hint}Known: {', '.join(known)}")


def once(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names in their order, each once."""
    return tuple(dict.fromkeys(names))
