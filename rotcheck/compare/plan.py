"""Which cells a request means, and the jobs that run them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rotcheck.compare import checks as check_files
from rotcheck.compare.checks import CONVENTION
from rotcheck.identify.front_identity import Identity
from rotcheck.identify.worker_setup import setup_of
from rotcheck.implementations import registry
from rotcheck.isolation import Job
from rotcheck.probe.devices import STAND_INS
from rotcheck.results import Machine
from rotcheck.study.request import DTYPES, check_known, expand_specs, unique

DEFAULT_DTYPES = DTYPES[:3]
WORKER = "rotcheck.compare.worker"
PATIENCE = 10  # times as long may a check take that compiles
LEAST = 15.0  # seconds for a cell on a device for which whatever runs there is compiled first


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """What was asked for, checked as far as it can be before anything runs."""

    implementations: tuple[str, ...]
    devices: tuple[str, ...]  # empty: all that run here
    dtypes: tuple[str, ...]  # empty: the default ones, and float64 where the device has it
    checks: tuple[str, ...]

    def dtypes_on(self, device: str, machine: Machine) -> tuple[str, ...]:
        """The dtypes to run in on a device."""
        if self.dtypes:
            return self.dtypes
        line = machine.devices().get(device)
        works = line.values.get("dtypes", ()) if line else ()
        has_float64 = "float64" in works or device in STAND_INS
        return (*DEFAULT_DTYPES, "float64") if has_float64 else DEFAULT_DTYPES

    def of(self, specs: Sequence[str]) -> "CompareRequest":
        """The same, asked of these implementations."""
        return replace(self, implementations=tuple(specs))


def make_request(
    implementations: Sequence[str],
    devices: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    checks: Sequence[str] = (),
    full: bool = False,
) -> CompareRequest:
    """Check a request, and fill in what it leaves to the default.

    Args:
        implementations: a `file.py` stands for all rotary functions in it; none:
            all registered ones.
        devices: by name; whether they are here is not known yet.
        dtypes: by name.
        checks: by name; none: the quick ones, or with `full` all of them.
        full: whether no checks mean all.

    Raises:
        RequestError: a name is not known.
    """
    implementations = expand_specs(implementations)
    check_known("dtype", dtypes, DTYPES)
    check_known("check", checks, check_names())
    names = checks or check_names(None if full else "quick")
    return CompareRequest(
        unique(implementations) or tuple(registry.names()),
        unique(devices),
        unique(dtypes),
        tuple(name for name in check_names() if name in names),
    )


def check_names(level: str | None = None) -> list[str]:
    """The names of all checks, or of those of a level; `convention` among them."""
    return [CONVENTION, *check_files.names(level)]


def jobs(
    request: CompareRequest,
    devices: Sequence[str],
    machine: Machine,
    *,
    timeout: float,
    outputs: bool = False,
    identities: Mapping[str, Identity] = {},
) -> list[Job]:
    """A job for each implementation on each device, its tasks [dtype, check].

    Checks of the level `full` are a job of their own, behind the others: they compile and trace,
    which takes time and leaves its marks on the process.

    Args:
        request: what is asked for.
        devices: where to run, as `resolve_devices` has them.
        machine: which dtypes they have.
        timeout: seconds for a cell, and 15 at least on a device that is not the CPU.
        outputs: whether workers send back what `forward` returned.
        identities: what was found out of those that were identified, by SPEC.
    """
    return [
        Job(
            name=name,
            target=f"{WORKER}:open_implementation",
            setup={"implementation": name, "device": device, "outputs": outputs}
            | setup_of(identities.get(name)),
            tasks=[
                [dtype, check] for dtype in request.dtypes_on(device, machine) for check in checks
            ],
            **_limits(device, timeout, patience),
        )
        for checks, patience in _by_level(request.checks)
        for device in devices
        for name in request.implementations
    ]


def _by_level(checks: Sequence[str]) -> list[tuple[list[str], int]]:
    """The quick checks and the full ones, each with how many times the limit it may take."""
    quick = [name for name in check_files.names("quick") if name in checks]
    slow = [name for name in check_files.names("full") if name in checks]
    return [(names, patience) for names, patience in ((quick, 1), (slow, PATIENCE)) if names]


def _limits(device: str, timeout: float, patience: int) -> dict[str, Any]:
    """What a job on the device may take; behind what raised there, another process goes on."""
    if device in ("cpu", *STAND_INS):
        return {"limit": patience * timeout, "opening_limit": 3 * timeout}
    seconds = max(timeout, LEAST)
    limits = {"limit": patience * seconds, "opening_limit": 3 * seconds, "least": LEAST}
    return limits | {"slow_start": True, "fresh_after_raising": True}
