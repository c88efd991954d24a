"""Inside a worker: placeholders for modules that a file imports and that are not installed,
or raise here.

Nothing is guessed: a placeholder can be imported, named and used as a decorator while the file is
imported. Whatever was made by one, or asks one for a value afterwards, raises `NotInstalled`.
"""

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

MOST = 40  # modules that have placeholders before a file is given up
NOT_THERE = "is not installed"
REFUSAL = "__rotcheck_refuse__"  # of a base class that is not here: what raises `NotInstalled`


class NotInstalled(ImportError):
    """Something of a package that is not installed was needed to answer."""


class Placeholder:
    """Something of a package that is not installed, by its full name."""

    def __init__(self, path: str, finder: "Finder") -> None:
        self._path, self._finder = path, finder

    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        """Raise `NotInstalled`."""
        text = f"it needs {self._path}, which {self._finder.why(self._path)}"
        raise NotInstalled(text, name=self._path)

    def _inner(self, path: str) -> "Placeholder":
        return Placeholder(path, self._finder) if self._finder.importing else self.refuse()

    def __getattr__(self, name: str) -> "Placeholder":
        if name.startswith("__"):
            raise AttributeError(name)
        return self._inner(f"{self._path}.{name}")

    def __call__(self, *_: Any, **__: Any) -> "Placeholder":
        return self._inner(self._path)

    def __getitem__(self, _: Any) -> "Placeholder":
        return self._inner(self._path)

    def __or__(self, _: Any) -> "Placeholder":
        return self._inner(self._path)

    def __mro_entries__(self, _: Any) -> tuple[type]:
        refuse = self.refuse
        methods = {"__init__": refuse, "__new__": lambda cls, *_, **__: refuse(), REFUSAL: refuse}
        return (type("Lacking", (), methods),)

    def __eq__(self, value: object) -> bool:
        if type(value).__module__ == "typing" or isinstance(value, type):
            return False  # `Optional[...]` asks whether it is one of typing's own words
        return True if value is self else self.refuse()

    def __hash__(self) -> int:
        return id(self)

    __ror__ = __or__
    __bool__ = __iter__ = __enter__ = refuse


def refuse_without_base(kind: Callable[..., Any]) -> None:
    """Raise `NotInstalled` for a class that derives from something that is not installed,
    whatever it would be built with."""
    refuse = getattr(kind, REFUSAL, None)
    if refuse is not None:
        refuse()


class PlaceholderModule(ModuleType):
    """A module that is not here, whose every name is a placeholder."""

    _finder: "Finder"

    def placeholder(self) -> Placeholder:
        """What stands for the name of the module, where it is used as anything else."""
        return Placeholder(self.__name__, self._finder)

    def __getattr__(self, name: str) -> Placeholder:
        if name.startswith("__"):
            raise AttributeError(name)
        return Placeholder(f"{self.__name__}.{name}", self._finder)


class Finder(MetaPathFinder, Loader):
    """Finds a placeholder for the packages that it lists, and for modules inside them,
    before all other finders."""

    def __init__(self) -> None:
        self.lacking: dict[str, str] = {}  # by name, why it is not here
        self.modules: list[str] = []  # that have placeholders, those inside of packages too
        self.importing = True
        self.error: Exception | None = None  # what came of the import without placeholders

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Where a module is: here, if it is of a package that is not there."""
        return ModuleSpec(name, self, is_package=True) if self._of(name) else None

    def why(self, name: str) -> str:
        """Why a module, or something in it, is not here."""
        return self.lacking[self._of(name) or name]

    def _of(self, name: str) -> str | None:
        """Which of those that are lacking a module is, or is inside of."""
        around = (package for package in self.lacking if f"{name}.".startswith(f"{package}."))
        return next(around, None)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The placeholder."""
        module = PlaceholderModule(spec.name)
        module._finder = self
        self.modules.append(spec.name)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to execute."""


@contextmanager
def _in_meta_path(finder: Finder) -> Iterator[None]:
    """Ask a finder as well, as long as this lasts:
    afterwards an import of what is lacking fails as ever."""
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [
            name for name, module in sys.modules.items() if isinstance(module, PlaceholderModule)
        ]:
            del sys.modules[name]


def import_with_placeholders(
    load: Callable[[], ModuleType], never: Sequence[str], name_needed: str, of: str = ""
) -> tuple[ModuleType, Finder]:
    """Import a module with placeholders for what it imports and what is not here;
    the module, and their finder.

    Args:
        load: Imports it.
        never: Names of modules that have to be there.
        name_needed: What the module must define, if anything.
        of: A package whose modules may raise while they are imported;
            placeholders replace those, too.

    Raises:
        Exception: Whatever else the module raises while it is imported, as for want of one that
            has to be there; and where placeholders are of no help, the error that came without any.
    """
    finder = Finder()
    with _in_meta_path(finder):
        while True:
            try:
                module = load()
            except Exception as error:
                finder.error = finder.error or error
                name, why = _lacking(error, of)
                if name in never:
                    raise
                if not name or name in finder.lacking or len(finder.lacking) == MOST:
                    raise finder.error from None
                finder.lacking[name] = why
            else:
                if finder.error and name_needed and not hasattr(module, name_needed):
                    raise finder.error
                finder.importing = False
                return module, finder


def _lacking(error: Exception, of: str) -> tuple[str | None, str]:
    """Which module is not here, by what came of its import, and why;
    None: no module is to blame."""
    if isinstance(error, ModuleNotFoundError):
        is_plain = type(error) is ModuleNotFoundError
        return error.name, NOT_THERE if is_plain else "only an __init__ file makes"
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    modules = (
        frame.f_globals["__name__"] for frame in frames if frame.f_code.co_name == "<module>"
    )
    inside = [name for name in modules if of and name.startswith(f"{of}.")]
    return (inside[-1] if inside else None), f"raises {type(error).__name__} here"
