"""Inside a worker: empty packages in the place of those around a file,
where their `__init__` files do not run here."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from rotcheck.implementations.placeholders import PlaceholderModule


class MadeByInit(ModuleNotFoundError):
    """What was asked of a package is none of its modules: its `__init__` makes it."""


class _Empty(ModuleType):
    """A package without its `__init__`: what is asked of it is one of its modules."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        inner = f"{self.__name__}.{name}"
        try:
            module: Any = importlib.import_module(inner)
        except ModuleNotFoundError as error:
            if error.name != inner:
                raise
            raise MadeByInit(f"{inner} is not a module", name=inner) from error
        if isinstance(module, PlaceholderModule):
            module = module.placeholder()
        setattr(self, name, module)
        return module


def stand_empty(root: Path, name: str) -> list[str]:
    """Put empty packages in the place of those around a module that are not imported,
    and return their names."""
    parts = name.split(".")
    packages = [parts[:count] for count in range(1, len(parts))]
    folders = {
        ".".join(parts_of_one): root.joinpath(*parts_of_one)
        for parts_of_one in packages
        if ".".join(parts_of_one) not in sys.modules
    }
    for package, folder in folders.items():
        empty = _Empty(package)
        empty.__path__ = [str(folder)]
        empty.__spec__ = importlib.util.spec_from_file_location(package, folder / "__init__.py")
        sys.modules[package] = empty
    return list(folders)
