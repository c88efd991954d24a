"""Makes what the steps run in: a folder of packages in front of those that this Python has,
and no network."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from packing import ROOT, PipFailed, pack, pip

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
    """Install the wheels carried along and this tree's rotcheck into the folder;
    return what was done, in words.

    A wheel that does not fit this Python is left out, and told of. Raises PipFailed where rotcheck
    can neither be built here nor was built before.
    """
    carried = sorted(wheels.glob("*.whl"))
    prepared = [wheel for wheel in carried if wheel.name.startswith("rotcheck-")]
    others = [wheel for wheel in carried if wheel not in prepared]
    site.mkdir(parents=True)
    unfit = _fitting(site, others)
    told = f"{len(others) - len(unfit)} wheels installed"
    if unfit:
        told += f", left out, since they do not fit this Python: {', '.join(unfit)}"
    try:
        _unpack(site, pack(site.parent))
    except PipFailed:
        if not prepared:
            raise
        _unpack(site, prepared[0])  # for its kernel and its names, under the files of this tree
        shutil.copytree(ROOT / "rotcheck", site / "rotcheck", dirs_exist_ok=True)
        return f"{told}; rotcheck from the wheel that was prepared: it could not be built here"
    return f"{told}; rotcheck built here"


def _fitting(site: Path, wheels: list[Path]) -> list[str]:
    """Install what fits, all at once if it can be; return the names of those that do not."""
    if not wheels:
        return []
    try:
        _unpack(site, *wheels)
    except PipFailed:
        if len(wheels) == 1:
            return [wheels[0].name]
        return [name for wheel in wheels for name in _fitting(site, [wheel])]
    return []


def _unpack(site: Path, *wheels: Path) -> None:
    options = ("--no-index", "--no-deps", "--no-compile", "--upgrade")
    pip("install", *options, "--target", str(site), *map(str, wheels))


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
        return {
            "versions": {},
            "why": _last(done.stderr) or f"torch ended with exit code {done.returncode}",
        }
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
