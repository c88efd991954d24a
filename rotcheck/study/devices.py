"""The devices of a request, held against those of this machine."""

from collections.abc import Mapping, Sequence

from rotcheck.errors import RequestError
from rotcheck.results import Line, Machine


def resolve_devices(names: Sequence[str], machine: Machine) -> list[str]:
    """The devices to run on: those that were named, or all that run here and are no stand-ins.

    Raises:
        RequestError: a device is not on this machine; the message says which are.
    """
    lines = machine.devices()
    if machine.torch is None or not lines:  # nothing can be told of them
        return list(names) or ["cpu"]
    if not names:
        return [name for name in _running(lines) if not lines[name].stand_in]
    return list(dict.fromkeys(_resolve(name, lines) for name in names))


def first_computing(devices: Sequence[str]) -> str:
    """The first device that computes values, where functions are identified."""
    return next((device for device in devices if device != "meta"), "cpu")


def _running(lines: Mapping[str, Line]) -> list[str]:
    return [name for name, line in lines.items() if line.state == "runs"]


def _resolve(name: str, lines: Mapping[str, Line]) -> str:
    running = _running(lines)
    for candidate in (name, f"{name}:0"):
        if candidate in running:
            return candidate
    real = [device for device in running if not lines[device].stand_in]
    stand_ins = [device for device in running if lines[device].stand_in]
    raise RequestError(
        f"device {name!r} is not on this machine ({_absence(name, lines)}). Here are: "
        f"{', '.join(real) or 'none'}; and the stand-ins {', '.join(stand_ins) or 'none'}"
    )


def _absence(name: str, lines: Mapping[str, Line]) -> str:
    """Why a device is not on this machine."""
    line = lines.get(name) or lines.get(name.partition(":")[0])
    if line is None:
        return "torch does not know this device"
    if line.state == "runs":
        return "no device has this index"
    return f"{line.state}: {line.detail}" if line.detail else line.state
