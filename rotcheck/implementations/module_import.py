"""Inside a worker: imports a module by its name, or a Python file by its path."""

import ast
import contextlib
import importlib
import importlib.util
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType

from rotcheck.errors import RequestError
from rotcheck.implementations import array_libraries, empty_packages, foreign_code, placeholders
from rotcheck.implementations.package_place import PackagePlace, place_of
from rotcheck.implementations.spec import MODULE_PREFIX

NOTES = "__rotcheck_notes__"  # of a module: how it was loaded, where that was not in full
PLACEHOLDERS = "__rotcheck_placeholders__"  # the modules it imports that are not installed
EMPTY = "__rotcheck_empty__"  # packages around it whose __init__ files were not run
_ACCELERATOR = re.compile(r"cuda|gpu|nvidia|rocm|\bhip\b|\bxpu\b|accelerator", re.IGNORECASE)
EXCEPTION = "__rotcheck_raised__"  # the exception that stopped it, and its line


_NAMES: dict[Path, str] = {}  # in `sys.modules`, of the files that were imported
_AT_HAND: dict[str, tuple[ModuleType, Exception | None]] = {}
"""What `import_once` imported, and what came of that before placeholders stood in."""


def module(target: str, name: str = "") -> ModuleType:
    """Import `package.module` or `path/to/file.py`.

    Of a file the function `name` is enough: packages that the file imports may be lacking, and what
    stands below it may raise, as a script does that asks for a GPU. Raises `RequestError` when
    there is no such module, and whatever the module raises while it is imported.
    """
    if target not in _AT_HAND:
        return _load(target, name)[0]
    loaded_module, error = _AT_HAND[target]
    if error is not None and not hasattr(loaded_module, name.partition(".")[0]):
        raise error
    return loaded_module


def import_once(target: str) -> None:
    """Import a module or a file for all of its functions. Raises what it raises as a whole."""
    _AT_HAND[target] = _load(target, "")


def _load(target: str, name: str) -> tuple[ModuleType, Exception | None]:
    if not target.endswith(".py"):
        return _from_module(target), None
    place, name_in_file = place_of(Path(target)), name.partition(".")[0]
    foreign_code.refuse(place.imports)
    first: Exception | None = None
    for attempt in _attempts(place, name_in_file):
        try:
            loaded_module, finder = attempt()
        except RequestError:
            raise
        except Exception as error:  # whatever a stranger's module raises
            first = first or error
            continue
        _NAMES[place.file] = loaded_module.__name__
        if finder.lacking:
            lacking = _list_lacking(finder.lacking)
            _add_note(loaded_module, f"without {lacking}: nothing of that was called")
            setattr(loaded_module, PLACEHOLDERS, tuple(dict.fromkeys(finder.modules)))
        return loaded_module, finder.error
    assert first is not None, "something was tried"
    raise first


Attempt = Callable[[], tuple[ModuleType, placeholders.Finder]]


def _attempts(place: PackagePlace, name_in_file: str) -> list[Attempt]:
    """The ways to import a file: as a module of its package, by itself,
    and without the `__init__` files of the packages around it."""

    def by_itself() -> ModuleType:
        return _execute(place, f"{MODULE_PREFIX}{place.file.stem}", name_in_file)

    def in_package() -> ModuleType:
        return _from_package(place)

    load = in_package if place.imports_own else by_itself
    never = [place.name, *array_libraries.NEEDED]
    whole = partial(placeholders.import_with_placeholders, load, never, name_in_file)
    attempts: list[Attempt] = [whole]
    if place.root is not None:
        attempts.append(partial(_alone, place, whole))
    if place.imports_own and not place.is_relative:
        attempts.append(
            partial(placeholders.import_with_placeholders, by_itself, never, name_in_file)
        )
    return attempts


def _alone(
    place: PackagePlace, whole: Callable[..., tuple[ModuleType, placeholders.Finder]]
) -> tuple[ModuleType, placeholders.Finder]:
    """Import a file without the `__init__` files of the packages around it."""
    assert place.root is not None, "there are packages around it"
    empty = empty_packages.stand_empty(place.root, place.name)
    loaded_module, finder = whole(of=place.name.partition(".")[0])
    _add_note(loaded_module, "without the __init__ files of the packages around it")
    setattr(loaded_module, EMPTY, tuple(empty))
    return loaded_module, finder


def _add_note(loaded_module: ModuleType, note: str) -> None:
    setattr(loaded_module, NOTES, (*getattr(loaded_module, NOTES, ()), note))


def _list_lacking(lacking: Mapping[str, str]) -> str:
    """The missing modules in words, grouped by why they are missing."""
    reasons = {why: [name for name in lacking if lacking[name] == why] for why in lacking.values()}
    plurals = {why: why.replace("raises", "raise").replace("is not", "are not") for why in reasons}
    return "; ".join(
        f"{', '.join(names)}, which {why if len(names) == 1 else plurals[why]}"
        for why, names in reasons.items()
    )


def loading_notes(specification: str) -> tuple[str, ...]:
    """How the file of a function was loaded, where that was not in full."""
    loaded_module = sys.modules.get(name_of(specification.rpartition(":")[0]))
    return tuple(getattr(loaded_module, NOTES, ()))


def name_of(target: str) -> str:
    """The name of a module or a file in `sys.modules` once it is imported."""
    return _NAMES.get(Path(target).resolve(), target)


def _from_module(name: str) -> ModuleType:
    sys.path.append(str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise RequestError(
                f"there is no module {error.name!r} (asked for by {name!r})"
            ) from error
        raise


def _from_package(place: PackagePlace) -> ModuleType:
    """Import a module of the package around it,
    and of none that has the same name and is installed elsewhere."""
    is_init = place.file.stem == "__init__"
    package = place.name if is_init else place.name.rpartition(".")[0]
    sys.path.extend(map(str, place.folders))
    sys.path.insert(0, str(place.root))
    try:
        around = importlib.import_module(package)
    finally:
        sys.path.remove(str(place.root))
    if str(place.file.parent) not in [str(Path(path).resolve()) for path in around.__path__]:
        raise ImportError(
            f"{place.file.name} is of a package {package!r}, and another of that name was imported before"
        )
    return importlib.import_module(place.name)


def _execute(place: PackagePlace, name: str, name_in_file: str) -> ModuleType:
    """Execute a file, or as much of it as stands above the line that raises and
    what is defined below.

    What it imports is found in its own folder and in those of its project,
    behind everything else.
    """
    file = place.file
    sys.path.extend(map(str, place.folders))
    module_spec = importlib.util.spec_from_file_location(name, file)
    assert module_spec is not None, f"{file} is a .py file"
    assert module_spec.loader is not None, f"{file} is a .py file"
    new_module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = new_module
    arguments, sys.argv = sys.argv, [str(file)]  # a script may read its own source
    try:
        module_spec.loader.exec_module(new_module)
    except ModuleNotFoundError:
        raise
    except Exception as error:
        line = _line_of(error, file)
        if not name_in_file or not line:
            raise
        below = not hasattr(new_module, name_in_file)
        if below and _wants_accelerator(error, file, line):
            _define_below(file, line, new_module)
        if not hasattr(new_module, name_in_file):
            raise
        kind = type(error).__name__
        _add_note(new_module, f"{'without' if below else 'up to'} line {line}, which raises {kind}")
        setattr(new_module, EXCEPTION, (kind, line))
    finally:
        sys.argv = arguments
    return new_module


def _wants_accelerator(error: Exception, file: Path, line: int) -> bool:
    """Whether a line of a script raises since it asks for a GPU, or another accelerator."""
    code = linecache.getline(str(file.resolve()), line)
    return _ACCELERATOR.search(f"{code} {error}") is not None


def _define_below(file: Path, line: int, new_module: ModuleType) -> None:
    """Import and define what stands below a line of a file;
    whatever else a script does is not done."""
    definitions = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for node in ast.parse(file.read_bytes()).body:
        constant = isinstance(node, ast.Assign) and not any(
            isinstance(part, ast.Call) for part in ast.walk(node)
        )
        if node.lineno > line and (constant or isinstance(node, definitions)):
            with contextlib.suppress(Exception):  # one that needs what was not done
                exec(compile(ast.Module([node], []), str(file.resolve()), "exec"), vars(new_module))


def _line_of(error: BaseException, file: Path) -> int | None:
    """The line of a file, outside of its functions, at which an exception was raised."""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(file.resolve()) and frame.name == "<module>":
            return frame.lineno
    return None
