"""Inside a worker: imports a module by its name, or a Python file by its path."""

import ast
import contextlib
import importlib
import importlib.util
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from rotcheck.errors import RequestError
from rotcheck.implementations import array_libraries, empty_packages, placeholders
from rotcheck.implementations.spec import MODULE_PREFIX

NOTES = "__rotcheck_notes__"  # of a module: how it was loaded, where that was not in full
PLACEHOLDERS = "__rotcheck_placeholders__"  # the modules it imports that are not installed
EMPTY = "__rotcheck_empty__"  # packages around it whose __init__ files were not run
_ACCELERATOR = re.compile(r"cuda|gpu|nvidia|rocm|\bhip\b|\bxpu\b|accelerator", re.IGNORECASE)
EXCEPTION = "__rotcheck_raised__"  # the exception that stopped it, and its line


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
    (root, module_name), name_in_file = _package_of(Path(target)), name.partition(".")[0]
    necessary = [module_name, *array_libraries.PACKAGES]

    def load() -> ModuleType:
        return _from_file(Path(target), name_in_file)

    try:
        loaded_module, finder = placeholders.import_with_placeholders(load, necessary, name_in_file)
    except RequestError:
        raise
    # of the package around it, perhaps, which its `__init__` files import whole
    except Exception as error:
        if root is None:
            raise
        loaded_module, finder = _alone(load, root, necessary, name_in_file, error)
    if finder.lacking:
        _add_note(
            loaded_module, f"without {_list_lacking(finder.lacking)}: nothing of that was called"
        )
        setattr(loaded_module, PLACEHOLDERS, tuple(dict.fromkeys(finder.modules)))
    return loaded_module, finder.error


def _alone(
    load: Callable[[], ModuleType],
    root: Path,
    necessary: Sequence[str],
    name_in_file: str,
    error: Exception,
) -> tuple[ModuleType, placeholders.Finder]:
    """Import a file without the `__init__` files of the packages around it;
    raises `error` if that is of no help."""
    module_name = necessary[0]
    empty = empty_packages.stand_empty(root, module_name)
    try:
        loaded_module, finder = placeholders.import_with_placeholders(
            load, necessary, name_in_file, of=module_name.partition(".")[0]
        )
    except Exception:  # what came of the package as it is tells more
        raise error from None
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
    if not target.endswith(".py"):
        return target
    root, name = _package_of(Path(target))
    return name if root and _is_relative(Path(target)) else f"{MODULE_PREFIX}{Path(target).stem}"


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


def _from_file(file: Path, name_in_file: str) -> ModuleType:
    """Import a file as a module of its package where it imports from that,
    else under a name of its own.

    Its folder, and the one that holds its package, are importable behind everything else.
    """
    root, name = _package_of(file)
    if root and _is_relative(file):
        return _from_package(file, root, name)
    sys.path.extend(str(folder) for folder in (file.resolve().parent, root) if folder)
    return _execute(file, f"{MODULE_PREFIX}{file.stem}", name_in_file)


def _package_of(file: Path) -> tuple[Path | None, str]:
    """The folder that holds the outermost package around a file,
    and the file's name as a module of it."""
    folder, parts = file.resolve().parent, [] if file.stem == "__init__" else [file.stem]
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    inside = folder != file.resolve().parent and all(part.isidentifier() for part in parts)
    return (folder if inside else None), ".".join(parts)


def _is_relative(file: Path) -> bool:
    """Whether a file imports from its own package, as `from .tables import cos`."""
    nodes = ast.walk(ast.parse(file.read_bytes()))
    return any(isinstance(node, ast.ImportFrom) and node.level for node in nodes)


def _from_package(file: Path, root: Path, name: str) -> ModuleType:
    """Import a module of the package around it,
    and of none that has the same name and is installed elsewhere."""
    package = name if file.stem == "__init__" else name.rpartition(".")[0]
    sys.path.insert(0, str(root))
    try:
        around = importlib.import_module(package)
    finally:
        sys.path.remove(str(root))
        sys.path.append(str(root))
    if str(file.resolve().parent) not in [str(Path(path).resolve()) for path in around.__path__]:
        raise ImportError(
            f"{file.name} is of a package {package!r}, and another of that name was imported before"
        )
    return importlib.import_module(name)


def _execute(file: Path, name: str, name_in_file: str) -> ModuleType:
    """Execute a file, or as much of it as stands above the line that raises and
    what is defined below."""
    module_spec = importlib.util.spec_from_file_location(name, file.resolve())
    assert module_spec is not None, f"{file} is a .py file"
    assert module_spec.loader is not None, f"{file} is a .py file"
    new_module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = new_module
    arguments, sys.argv = sys.argv, [str(file.resolve())]  # a script may read its own source
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
