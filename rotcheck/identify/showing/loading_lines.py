"""The lines that load a function by its specification, without rotcheck."""

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
from rotcheck.implementations.spec import MODULE_PREFIX

_CONFIGURATION = re.compile(r"(\w+)=Configuration\(\)")
_WHY = re.compile(r", (as line \d+( of \S+)? builds it|since heads of ).*$", re.DOTALL)
_CLASS_DEFAULT = re.compile(r"(?<==)([A-Z]\w*)\(\)")
_PLACE = re.compile(r"=(cpu|mps|cuda[:\d]*)(?=[,)])")


def loading(
    specification: str, construction_text: str | None, function: Callable[..., Any]
) -> list[str]:
    """The lines that import it and end with `f = ...`; `construction_text`: how
    its object was built."""
    lines = _of_its_library(specification, construction_text, function)
    library = array_libraries.library_of(function)
    return library.loading(lines) if library else lines


def _of_its_library(
    specification: str, construction_text: str | None, function: Callable[..., Any]
) -> list[str]:
    target, _, name = specification.rpartition(":")
    owner, _, method = name.rpartition(".")
    lines = _file(Path(target)) if target.endswith(".py") else _module(target)
    if construction_text is None:
        return [*lines, "", f"f = module.{name}"]
    expression = construction(construction_text)
    configuration = _configuration(expression, function)
    expression = _CONFIGURATION.sub(r"\1=configuration", expression)
    expression = _CLASS_DEFAULT.sub(
        r"module.\1()",
        _PLACE.sub(r'="\1"', expression).replace(array_libraries.WIDE, 'dtype="float32"'),
    )
    forward = inspect.ismethod(function) and not callable(
        function.__self__
    )  # nothing else can be called of it
    method_code = f".{method}" if owner else ".forward" if forward else ""
    instance = getattr(function, "__self__", function)
    around = package_setup.lines(type(instance))
    return [*lines, "", *around, *configuration, f"f = module.{expression}{method_code}"]


def construction(construction_text: str) -> str:
    """The Python that builds an object, without the words that say why."""
    return _WHY.sub("", construction_text)


def _module(name: str) -> list[str]:
    origin = getattr(sys.modules.get(name), "__file__", None) or ""
    up = name.count(".") + (1 if origin.endswith("__init__.py") else 0)
    root = Path(origin).resolve().parents[up] if origin else Path()
    is_installed = "site-packages" in origin or root in map(
        Path, (sysconfig.get_path("stdlib"), sys.prefix)
    )
    return [
        *([] if is_installed else ["import sys", ""]),
        "import torch",
        "",
        *([] if is_installed else [f"sys.path.append({_text(Path(os.path.relpath(root)))})"]),
        _import(name),
    ]


def _text(path: Path) -> str:
    """A path as a Python string."""
    return json.dumps(path.as_posix(), ensure_ascii=False)


def _file(file: Path) -> list[str]:
    """The lines that import a file: as a module of its package if it imports from that."""
    name = module_import.name_of(file.as_posix())
    module = sys.modules.get(name)
    stand_ins = _stand_ins(getattr(module, module_import.PLACEHOLDERS, ()))
    stand_ins += _empty(file, getattr(module, module_import.EMPTY, ()))
    if not name.startswith(MODULE_PREFIX):
        above = file.resolve().parents[name.count(".") + (file.stem == "__init__")]
        root = Path(os.path.relpath(above))
        return ["import sys", *stand_ins, f"sys.path.append({_text(root)})", _import(name)]
    error = getattr(module, module_import.EXCEPTION, None)
    beside = f"sys.path.append({_text(file.parent)})"
    if error is None and _is_alone(file):
        return ["import sys", *stand_ins, beside, _import(file.stem)]
    return [
        "import importlib.util",
        "import sys",
        *stand_ins,
        beside,
        f"spec = importlib.util.spec_from_file_location({_text(Path(file.stem))}, {_text(file)})",
        "module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)",
        *_execute(error),
    ]


def _import(name: str) -> str:
    return f"import {name} as module"


def _is_alone(file: Path) -> bool:
    """Whether `import` finds this file when its folder is last in the path:
    no other module has its name."""
    name = file.stem
    if not name.isidentifier() or keyword.iskeyword(name) or name in sys.modules:
        return False
    spec = importlib.util.find_spec(name)
    return spec is None or (
        spec.origin is not None and Path(spec.origin).resolve() == file.resolve()
    )


def _stand_ins(lacking: Sequence[str]) -> list[str]:
    """The lines that import torch, and that put stand-ins in the place of modules
    that are not installed."""
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
    """The lines that put empty packages in the place of those around a file."""
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


def _execute(error: tuple[str, int] | None) -> list[str]:
    """The lines that execute a file, or the part of it above the line that raises."""
    run = "spec.loader.exec_module(module)"
    if error is None:
        return [run]
    kind, line = error
    return ["try:", f"    {run}", f"except {kind}:", f"    pass  # line {line}, below f"]


def _configuration(expression: str, function: Callable[..., Any]) -> list[str]:
    """The lines that make a configuration with the fields that a class reads."""
    match = _CONFIGURATION.search(expression)
    if not match:
        return []
    instance = getattr(function, "__self__", function)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(vars(type(instance))["__init__"])))
    except (OSError, TypeError, SyntaxError, KeyError):
        return []
    read = {
        node.attr: instances.value_for(node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == match[1]
    }
    fields = ", ".join(f"{name}={value!r}" for name, value in read.items() if value is not None)
    return ["from types import SimpleNamespace", "", f"configuration = SimpleNamespace({fields})"]
