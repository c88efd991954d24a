"""The lines by which Python loads what a specification names, without rotcheck."""

import ast
import importlib.util
import inspect
import json
import keyword
import os
import re
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rotcheck.implementations import array_libraries, instances, module_import, package_setup
from rotcheck.implementations.spec import GIVEN

_CONFIGURATION = re.compile(r"(\w+)=Configuration\(\)")
_WHY = re.compile(r", (as line \d+ builds it|since heads of ).*$", re.DOTALL)
_OTHER = re.compile(r"(?<==)([A-Z]\w*)\(\)")
_PLACE = re.compile(r"=(cpu|mps|cuda[:\d]*)(?=[,)])")


def loading(specification: str, built: str | None, function: Callable[..., Any]) -> list[str]:
    """Return the lines that import it and end with `f = ...`; `built`: how an object was made of a class."""
    lines = _of_its_library(specification, built, function)
    library = array_libraries.library_of(function)
    return library.loading(lines) if library else lines


def _of_its_library(
    specification: str, built: str | None, function: Callable[..., Any]
) -> list[str]:
    target, _, name = specification.rpartition(":")
    owner, _, method = name.rpartition(".")
    lines = _file(Path(target)) if target.endswith(".py") else _module(target)
    if built is None:
        return [*lines, "", f"f = module.{name}"]
    made = construction(built)
    configuration = _configuration(made, function)
    made = _CONFIGURATION.sub(r"\1=configuration", made)
    made = _OTHER.sub(
        r"module.\1()", _PLACE.sub(r'="\1"', made).replace(array_libraries.WIDE, 'dtype="float32"')
    )
    forward = inspect.ismethod(function) and not callable(
        function.__self__
    )  # nothing else can be called of it
    bound = f".{method}" if owner else ".forward" if forward else ""
    own = getattr(function, "__self__", function)
    around = package_setup.lines(type(own))
    return [*lines, "", *around, *configuration, f"f = module.{made}{bound}"]


def construction(built: str) -> str:
    """Return the Python of how an object was made of a class, without the words that say why."""
    return _WHY.sub("", built)


def _module(name: str) -> list[str]:
    origin = getattr(sys.modules.get(name), "__file__", None) or ""
    up = name.count(".") + (1 if origin.endswith("__init__.py") else 0)
    root = Path(origin).resolve().parents[up] if origin else Path()
    installed = "site-packages" in origin or root in map(
        Path, (sysconfig.get_path("stdlib"), sys.prefix)
    )
    return [
        *([] if installed else ["import sys", ""]),
        "import torch",
        "",
        *([] if installed else [f"sys.path.append({_text(Path(os.path.relpath(root)))})"]),
        _import(name),
    ]


def _text(path: Path) -> str:
    """Return a path as Python, whatever it is called."""
    return json.dumps(path.as_posix(), ensure_ascii=False)


def _file(file: Path) -> list[str]:
    """Return the lines that import a file: as a module of its package, where it imports from that."""
    name = module_import.name_of(file.as_posix())
    found = sys.modules.get(name)
    stand_ins = _stand_ins(getattr(found, module_import.STAND_INS, ()))
    stand_ins += _empty(file, getattr(found, module_import.EMPTY, ()))
    if not name.startswith(GIVEN):
        root = file.parents[name.count(".") + (file.stem == "__init__")]
        return ["import sys", *stand_ins, f"sys.path.append({_text(root)})", _import(name)]
    raised = getattr(found, module_import.RAISED, None)
    beside = f"sys.path.append({_text(file.parent)})"
    if raised is None and _is_alone(file):
        return ["import sys", *stand_ins, beside, _import(file.stem)]
    return [
        "import importlib.util",
        "import sys",
        *stand_ins,
        beside,
        f"spec = importlib.util.spec_from_file_location({_text(Path(file.stem))}, {_text(file)})",
        "module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)",
        *_executed(raised),
    ]


def _import(name: str) -> str:
    return f"import {name} as module"


def _is_alone(file: Path) -> bool:
    """Return whether `import` finds this file once its folder stands last in the path: no other module has its name."""
    name = file.stem
    if not name.isidentifier() or keyword.iskeyword(name) or name in sys.modules:
        return False
    other = importlib.util.find_spec(name)
    return other is None or (
        other.origin is not None and Path(other.origin).resolve() == file.resolve()
    )


def _stand_ins(lacking: Sequence[str]) -> list[str]:
    """Return the lines that import torch, and that put something in the place of modules that are not installed."""
    if not lacking:
        return ["", "import torch", ""]
    names = textwrap.fill(", ".join(f'"{name}"' for name in lacking), 80).replace("\n", "\n    ")
    return [
        "import importlib.machinery",
        "from unittest.mock import MagicMock",
        "",
        "import torch",
        "",
        f"for name in (\n    {names},\n):  # not installed here: f needs nothing of them",
        "    kind = importlib.machinery.ModuleSpec(name, None)",
        "    sys.modules[name] = MagicMock(__spec__=kind)",
    ]


def _empty(file: Path, packages: Sequence[str]) -> list[str]:
    """Return the lines that put empty packages in the place of those around a file."""
    if not packages:
        return []
    root = _text(file.parents[packages[-1].count(".") + 1])
    names = "".join(f'"{name}", ' for name in packages)
    return [
        "from types import ModuleType",
        "",
        f"for name in ({names.rstrip()}):  # their __init__ files do not run here",
        "    sys.modules[name] = ModuleType(name)",
        f'    sys.modules[name].__path__ = [{root} + "/" + name.replace(".", "/")]',
    ]


def _executed(raised: tuple[str, int] | None) -> list[str]:
    """Return the lines that execute a file, or as much of it as stands above the line that raises."""
    run = "spec.loader.exec_module(module)"
    if raised is None:
        return [run]
    kind, line = raised
    return ["try:", f"    {run}", f"except {kind}:", f"    pass  # line {line}, below f"]


def _configuration(made: str, function: Callable[..., Any]) -> list[str]:
    """Return the lines that make a configuration of what a class reads of it."""
    found = _CONFIGURATION.search(made)
    if not found:
        return []
    own = getattr(function, "__self__", function)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(vars(type(own))["__init__"])))
    except (OSError, TypeError, SyntaxError, KeyError):
        return []
    read = {
        node.attr: instances._named(node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == found[1]
    }
    given = ", ".join(f"{name}={value!r}" for name, value in read.items() if value is not None)
    return ["from types import SimpleNamespace", "", f"configuration = SimpleNamespace({given})"]
