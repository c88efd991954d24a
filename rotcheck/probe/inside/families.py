"""Asks the files of `devices/` the questions that every family answers, in plain data."""

import importlib
from dataclasses import asdict
from typing import Any, cast

from rotcheck.probe.devices import STAND_INS, Family
from rotcheck.probe.inside.thrice import thrice


def claims(family: str) -> list[dict[str, Any]]:
    """The family's claims as dictionaries."""
    stand_in = {"stand_in": family in STAND_INS}
    return [asdict(claim) | stand_in for claim in _file(family).claims()]


def facts(family: str, device: str) -> dict[str, Any]:
    """The figures of a device."""
    return _file(family).facts(device)


def try_dtype(family: str, device: str, dtype: str) -> None:
    """Run the family's kernel three times in this dtype;
    raise `CallFailed` if one of them fails."""
    module = _file(family)
    thrice(lambda: module.run(device, dtype))


def _file(family: str) -> Family:
    folder = "devices.stand_ins" if family in STAND_INS else "devices"
    return cast(Family, importlib.import_module(f"rotcheck.probe.{folder}.{family}"))
