"""Functions of other array libraries, JAX and MLX, called with tensors:
arrays go in, tensors come back."""

import functools
import importlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention.vocabulary import DTYPE, is_named
from rotcheck.implementations.interface import Function, Unavailable
from rotcheck.implementations.numpy_tensors import array, tensor

WIDE = "dtype=float32"  # in the words of how a class of JAX was built
MARK = "__rotcheck_library__"  # on a function that takes arrays: the library behind it


@dataclass(frozen=True, slots=True)
class ArrayLibrary:
    """A library whose functions take arrays of its own: how tensors become arrays, and back."""

    name: str
    root: str  # of its modules
    lines: tuple[str, ...]  # that define `array(x)` of a tensor, and `tensor(x)` of its arrays

    def loading(self, lines: Sequence[str]) -> list[str]:
        """Lines that end with `f = ...` with an `f` that takes tensors and returns some."""
        *before, last = lines
        keywords = "**{name: array(x) for name, x in named.items()}"
        loader = last.removeprefix("f = ")
        adapter_line = f"f = lambda *given, **named: tensor(made(*map(array, given), {keywords}))"
        return [*before, *self.lines, f"made = {loader}", adapter_line]

    def converters(self) -> tuple[Function, Function]:
        """What makes arrays of tensors, and tensors of arrays."""
        return _CONVERTERS[self.root]()


def _of_jax() -> tuple[Function, Function]:
    jax = importlib.import_module("jax")
    numpy = importlib.import_module("numpy")

    def into(x: Tensor) -> Any:
        if x.dtype in (torch.float64, torch.complex128) and not jax.config.jax_enable_x64:
            raise TypeError(f"JAX makes float32 of {str(x.dtype)[6:]} unless jax_enable_x64 is set")
        return jax.numpy.array(array(x))

    return into, lambda x: tensor(numpy.array(x))


def _of_mlx() -> tuple[Function, Function]:
    core = importlib.import_module("mlx.core")
    numpy = importlib.import_module("numpy")

    def into(x: Tensor) -> Any:
        if x.dtype in (torch.float64, torch.complex128):
            raise TypeError(f"MLX computes in float32 at most, and not in {str(x.dtype)[6:]}")
        # MLX reads no bfloat16 of NumPy
        wide = x.detach().float() if x.is_floating_point() else x.detach()
        return core.array(wide.contiguous().numpy()).astype(getattr(core, str(x.dtype)[6:]))

    def back(x: Any) -> Tensor:
        if x.dtype != core.bfloat16:
            return tensor(numpy.array(x))
        return tensor(numpy.array(x.astype(core.float32))).bfloat16()

    return into, back


_CONVERTERS = {"jax": _of_jax, "mlx": _of_mlx}


def _lines(import_line: str, array_code: str, numpy_code: str, dtype: str) -> tuple[str, ...]:
    """The lines that define `array(x)` and `tensor(x)`, each for tuples too.

    `array_code`: an array of `plain`, in x's dtype. `numpy_code`: x as NumPy reads it. `dtype`:
    the name of x's dtype.
    """
    branches = ["    if isinstance(x, (tuple, list)):", "        return tuple(map({}, x))"]
    return (
        *(import_line, "import numpy", "", ""),
        *("def array(x):", branches[0], branches[1].format("array")),
        "    plain = x.float() if torch.is_tensor(x) and x.dtype == torch.bfloat16 else x",
        f"    return {array_code} if torch.is_tensor(x) else x",
        *("", ""),
        *("def tensor(x):", branches[0], branches[1].format("tensor")),
        f"    own = numpy.array({numpy_code})",
        f"    return torch.from_numpy(own).to(getattr(torch, {dtype}))",
        *("", ""),
    )


JAX = ArrayLibrary(
    "JAX",
    "jax",
    _lines(
        "import jax",
        "jax.numpy.array(plain.numpy(), dtype=str(x.dtype)[6:])",
        'x.astype("float32") if x.dtype == "bfloat16" else x',
        "str(x.dtype)",
    ),
)
MLX = ArrayLibrary(
    "MLX",
    "mlx",
    _lines(
        "import mlx.core as core",
        "core.array(plain.numpy()).astype(getattr(core, str(x.dtype)[6:]))",
        "x.astype(core.float32) if x.dtype == core.bfloat16 else x",
        'str(x.dtype).rpartition(".")[2]',
    ),
)
LIBRARIES = (JAX, MLX)
NEEDED = {"jax": "JAX", "jaxlib": "JAX", "mlx": "MLX"}
PACKAGES = {**NEEDED, "flax": "Flax, for JAX"}


def adapt(function: Function) -> Function:
    """A function as one of tensors; one of torch as it is.

    Dtypes stay what they are: float32 goes in as float32 and bfloat16 as bfloat16, so that what the
    function rounds inside is seen. float64 is refused with a TypeError where the library would make
    float32 of it in silence.
    """
    library = library_of(function)
    return function if library is None else _through(function, library)


def by_dtype(wide: Function, narrow: Function) -> Function:
    """A function that calls `narrow` where it is handed a 16-bit tensor, else `wide`."""

    @functools.wraps(wide)
    def call(*args: Any, **kwargs: Any) -> Any:
        dtypes: list[torch.dtype] = []
        _convert((args, kwargs), Tensor, lambda x: dtypes.append(x.dtype))
        function = narrow if {torch.bfloat16, torch.float16} & set(dtypes) else wide
        return function(*args, **kwargs)

    return call


def library_of(function: Function) -> ArrayLibrary | None:
    """The library that a function or an object computes with;
    None: torch, or none that is known."""
    mark = getattr(function, MARK, None)
    if isinstance(mark, ArrayLibrary):
        return mark
    names = vars(sys.modules.get(_module(function), ModuleType("")))
    read = {
        _root(names[name]) for code in _codes(function) for name in code.co_names if name in names
    }
    roots = read & {"torch", "jax", "mlx"} or {_root(value) for value in names.values()}
    if "torch" in roots:
        return None
    return next((library for library in LIBRARIES if library.root in roots), None)


def absent(error: ImportError) -> str | None:
    """What to install, where a module cannot be imported, or an object not built, for want of
    an array library; None: it is another."""
    root = (error.name or "").partition(".")[0]
    if root not in PACKAGES:
        return None
    return f"this is {PACKAGES[root]}: `pip install {root}` to have it tested"


def wide(kind: Function) -> dict[str, str]:
    """The dtype to build a class of another library with,
    where it asks for one or its default is narrow.

    What it does by design shows in float32; what it does in its default dtype is judged apart.
    """
    if not inspect.isclass(kind) or library_of(kind) is not JAX:
        return {}
    parameters = [
        parameter
        for parameter in inspect.signature(kind).parameters.values()
        if is_named(parameter.name, DTYPE)
    ]
    narrow = {"bfloat16", "float16"}
    return {
        parameter.name: "float32"
        for parameter in parameters
        if parameter.default is parameter.empty
        or getattr(parameter.default, "__name__", str(parameter.default)) in narrow
    }


def refuse_elsewhere(function: Function, device: str) -> None:
    """Raise `Unavailable` for a function of another library on any other device than the CPU."""
    library = library_of(function)
    if library is not None and device != "cpu":
        raise Unavailable(
            f"it computes in {library.name}, which rotcheck calls with arrays of the CPU"
        )


def _module(function: Function) -> str:
    owner = getattr(function, "__self__", function)
    return getattr(owner, "__module__", None) or type(owner).__module__


def _root(value: Any) -> str:
    """The first part of the name of the module that a value is, or comes from."""
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return name.partition(".")[0] if isinstance(name, str) else ""


def _codes(function: Function) -> Iterator[CodeType]:
    """The code of a function, or of the methods of an object."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    kind = plain if inspect.isclass(plain) else type(plain)
    methods = [plain] if hasattr(plain, "__code__") else list(vars(kind).values())
    for method in methods:
        code = getattr(inspect.unwrap(method) if callable(method) else method, "__code__", None)
        if isinstance(code, CodeType):
            yield code


def _through(function: Function, library: ArrayLibrary) -> Function:
    into, back = library.converters()
    target = _JaxFunction(function) if library is JAX else function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        sent_by_place, sent_by_name = _convert((args, kwargs), Tensor, into)
        result = _convert(target(*sent_by_place, **sent_by_name), _array_type(library), back)
        if library is JAX and _has_nan(result) and not _has_nan((args, kwargs)):
            raise IndexError("it returns NaN, with which JAX fills what lies outside of a table")
        return result

    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(owner, ModuleType):
        call.__self__ = owner  # type: ignore[attr-defined]  # whose attributes tell sizes
    setattr(call, MARK, library)
    return call


def _has_nan(value: Any) -> bool:
    found: list[bool] = []
    _convert(value, Tensor, lambda x: found.append(bool(x.isnan().any())))
    return any(found)


def _may_keep(function: Function) -> bool:
    """Whether a function, or an object, may keep what it computed:
    under tracing it would keep tracers."""
    owner = getattr(function, "__self__", None) or function
    is_function = hasattr(inspect.unwrap(owner), "__code__")
    state = {} if is_function else getattr(owner, "__dict__", {})
    names = vars(sys.modules.get(_module(function), ModuleType("")))
    has_state = any(isinstance(value, dict | list | set) for value in state.values())
    return has_state or any(hasattr(value, "cache_clear") for value in names.values())


class _JaxFunction:
    """A function of JAX, compiled as a whole for each shape:
    operation by operation would take several times as long.

    Each value is rounded as it is written. One that looks at values, or keeps some,
    is called as it is.
    """

    def __init__(self, function: Function) -> None:
        self._function, self._programs = function, dict[str, Function]()
        self._owner = getattr(function, "__self__", None) or function
        self._as_it_is = _may_keep(function)
        # an object may change when it is called
        self._called_before = hasattr(inspect.unwrap(self._owner), "__code__")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        jax = importlib.import_module("jax")
        arrays: list[Any] = []
        key = repr(_convert((args, kwargs), jax.Array, arrays.append))
        try:
            if self._called_before and not self._as_it_is:
                return self._programs.setdefault(key, self._of(args, kwargs))(*arrays)
        except (jax.errors.JAXTypeError, jax.errors.JAXIndexError):
            self._as_it_is = True
        return self._watch(args, kwargs)

    def _watch(self, args: Any, kwargs: Any) -> Any:
        """Call it as it is, and see whether that changes the object."""
        before = dict(getattr(self._owner, "__dict__", {}))
        result = self._function(*args, **kwargs)
        after = getattr(self._owner, "__dict__", {})
        self._as_it_is |= before.keys() != after.keys() or any(
            after[name] is not before[name] for name in before
        )
        self._called_before = True
        return result

    def _of(self, args: Any, kwargs: Any) -> Function:
        """A function of the arrays of a call, compiled; what else the call gives is part of it."""
        jax = importlib.import_module("jax")

        def of_arrays(*arrays: Any) -> Any:
            values = iter(arrays)
            by_place, by_name = _convert((args, kwargs), jax.Array, lambda _: next(values))
            return self._function(*by_place, **by_name)

        jitted: Function = jax.jit(
            of_arrays, compiler_options={"xla_allow_excess_precision": False}
        )
        return jitted


def _array_type(library: ArrayLibrary) -> Any:
    name = {"jax": "Array", "mlx": "array"}[library.root]
    arrays = importlib.import_module("jax" if library is JAX else "mlx.core")
    return (getattr(arrays, name), importlib.import_module("numpy").ndarray)


def _convert(value: Any, kind: Any, convert: Function) -> Any:
    """A value with all that is of a kind converted, inside tuples, lists and dictionaries too."""
    if isinstance(value, kind):
        return convert(value)
    if isinstance(value, dict):
        return {name: _convert(item, kind, convert) for name, item in value.items()}
    if isinstance(value, tuple | list):
        items = [_convert(item, kind, convert) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value
