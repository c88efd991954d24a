"""Names of functions to compare, and cells to look up."""

import ast
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from rotcheck.compare.checks import names
from rotcheck.results import Cell, Report

HERE = Path(__file__).parent
DTYPES = ("float32", "bfloat16", "float16", "float64")
CHECKS = tuple(names("quick"))

SWITCHES = [
    "executor",
    "fusers",
    "default_dtype",
    "default_device",
    "threads",
    "autocast",
    "matmul_precision",
    "deterministic",
    "torch_seed",
    "functions",
    "gradients_off",
]
"""The switches that at_import.py knows how to change."""

BROKEN_IMPORTS = {
    "raises_on_import.py": "import no_such_package\n",
    "does_not_parse.py": "def rotate(qkv, cos, sin)\n    return qkv\n",
    "hangs_on_import.py": "import time\ntime.sleep(600)\n",
    "exits_on_import.py": "import os\nos._exit(0)\n",
    "leaves_on_import.py": "import sys\nsys.exit('not here')\n",
    "segfaults_on_import.py": "import ctypes\nctypes.string_at(0)\n",
    "eats_on_import.py": "held = []\nwhile True:\n    held.append(b'x' * (1 << 20))\n",
}
TOKEN = f"left-{uuid.uuid4().hex}"  # what `leaves_a_process` leaves is known by it
HOSTILE = HERE / "hostile.py"
NEIGHBOURS = ["native", f"{HOSTILE}:rotate", "complex"]
ASKED = {"devices": ["cpu"], "dtypes": ["float32"], "checks": ["forward", "state"]}

Cells = Mapping[tuple[str, str, str], Cell]
"""The cells of one device by function, dtype and check."""


def functions(file: Path) -> list[str]:
    """Return `file:function` for each public function of the file,
    and for what else it says is one."""
    tree = ast.parse(file.read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    names += ["module"] if "module = " in file.read_text() else []
    return [f"{file}:{name}" for name in names if not name.startswith("_")]


def cells(report: Report | Iterable[Cell], device: str = "cpu") -> Cells:
    """Return the cells by function (without its file), dtype and check."""
    every = report.cells if isinstance(report, Report) else report
    here = [cell for cell in every if cell.device == device]
    return {(name(cell), cell.dtype, cell.check): cell for cell in here}


def name(cell: Cell) -> str:
    """Return what a cell is about: the function's name, or `file.py` of one called `rotate`."""
    file, _, function = cell.implementation.rpartition(":")
    return file.removesuffix(".py") if function == "rotate" and file != "hostile.py" else function


def bad_checks(cells: Cells, function: str) -> dict[str, set[str]]:
    """Return the checks that a function fails, each with the dtypes in which it does."""
    found: dict[str, set[str]] = {}
    for (other, dtype, check), cell in cells.items():
        if other == function and cell.verdict != "agrees":
            found.setdefault(check, set()).add(dtype)
    return found
