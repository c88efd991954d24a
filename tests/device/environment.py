"""Makes what the steps run in: a folder of packages in front of those that this Python has, and no network."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from packing import ROOT, pack, pip

ASK = """
import importlib.util, json, os, platform, sys
import torch
device, found = sys.argv[1], {}
name = device.partition(":")[0]
found["versions"] = {"python": platform.python_version(), "torch": torch.__version__, "cuda": torch.version.cuda}
if importlib.util.find_spec("triton"):
    import triton
    found["versions"]["triton"] = triton.__version__
try:
    found["why"] = None if torch.ones(2, device=device).add(1).sum().item() == 4 else "it adds wrongly"
except Exception as error:
    found["why"] = f"{type(error).__name__}: {error}".splitlines()[0]
module = getattr(torch, name, None)
if found["why"] is None and hasattr(module, "get_device_name"):
    found["name"] = module.get_device_name(device)
print(json.dumps(found))
"""


def install(site: Path, wheels: Path) -> str:
    """Install the wheels carried along and this tree's rotcheck into the folder; return what was done, in words.

    Raises subprocess.CalledProcessError where a wheel cannot be installed, and FileNotFoundError where rotcheck can
    neither be built here nor was built before.
    """
    carried = sorted(wheels.glob("*.whl"))
    others = [str(wheel) for wheel in carried if not wheel.name.startswith("rotcheck-")]
    site.mkdir(parents=True)
    if others:
        _unpack(site, *others)
    try:
        _unpack(site, str(pack(site.parent)))
        return f"{len(others)} wheels installed, rotcheck built here"
    except subprocess.CalledProcessError:
        _prepared(site, carried)
        return f"{len(others)} wheels installed, rotcheck from its wheel: it could not be built here"


def _unpack(site: Path, *wheels: str) -> None:
    options = ("--no-index", "--no-deps", "--no-compile", "--upgrade")
    pip("install", *options, "--target", str(site), *wheels)


def _prepared(site: Path, carried: list[Path]) -> None:
    """Install the wheel of rotcheck that was built before, for its kernel and names, under the files of this tree."""
    wheel = next((str(wheel) for wheel in carried if wheel.name.startswith("rotcheck-")), None)
    if wheel is None:
        raise FileNotFoundError("no wheel of rotcheck: run tests/device/prepare.py where there is a network")
    _unpack(site, wheel)
    shutil.copytree(ROOT / "rotcheck", site / "rotcheck", dirs_exist_ok=True)


def variables(site: Path) -> dict[str, str]:
    """Return the environment variables under which Python finds the folder first."""
    behind = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(site), *([behind] if behind else [])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


def facts(device: str, environment: dict[str, str], limit: float) -> dict[str, Any]:
    """Return the versions, the device's name, and `why` it cannot be used; None: it can."""
    command = [sys.executable, "-c", ASK, device]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return {"versions": {}, "why": f"torch did not answer within {limit:.0f} s"}
    if done.returncode:
        return {"versions": {}, "why": _last(done.stderr) or f"torch ended with exit code {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
