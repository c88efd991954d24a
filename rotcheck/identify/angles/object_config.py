"""What an object says of its own frequencies:
its attributes, its configuration's, and its class's name."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

from torch import Tensor, equal
from torch.nn import Module

from rotcheck.convention.vocabulary import AXES, is_named
from rotcheck.rotary.schedules import Linear, Llama3, LongRope, Plain, Proportional, Schedule, Yarn

_PLAIN = (int, float, str, Mapping, list, tuple)
_MAPPINGS = ("rope_scaling", "rope_parameters", "scaling", "rope_config", "yarn_config")
_THETA = ("rope_theta", "theta", "base", "rotary_base", "rope_base")
_ORIGINAL = (
    "original_max_position_embeddings",
    "original_seq_len",
    "original_length",
    "old_context_len",
)
_LENGTH = ("max_position_embeddings", "max_seq_len_cached", "max_seq_len", "max_length")
FACTOR = ("factor", "scaling_factor", "rope_factor", "scale_factor")


@dataclass(frozen=True, slots=True)
class ObjectConfig:
    """What an object says, by the names of its attributes."""

    kind: str  # "yarn", "llama3", "longrope", "dynamic", ...; empty: it says none
    values: Mapping[str, Any] = field(default_factory=dict)
    configuration: Sequence[str] = ()  # names that its configuration has

    def number(self, *names: str) -> float | None:
        """The first of these that is a positive number."""
        values = (self.values.get(name) for name in names)
        return next(
            (float(n) for n in values if isinstance(n, (int, float)) and n is not True and n > 0),
            None,
        )

    def holder(self, value: float) -> str | None:
        """The name under which it keeps this number; None: it does not."""
        numbers = (
            (name, number) for name, number in self.values.items() if isinstance(number, float)
        )
        return next((name for name, number in numbers if abs(number / value - 1) < 1e-4), None)

    def factors(self, name: str) -> tuple[float, ...]:
        """A list of numbers, one a pair; empty where it has none."""
        value = self.values.get(name)
        value = value.tolist() if isinstance(value, Tensor) else value
        return tuple(map(float, value)) if isinstance(value, (list, tuple)) else ()

    @property
    def theta(self) -> float:
        """The base, 10000 where it says none."""
        return self.number(*_THETA) or 10000.0

    @property
    def head_dim(self) -> int | None:
        """The width of a head, or that of all heads over their number."""
        whole = self.number("hidden_size", "embed_dim")
        heads = self.number("num_attention_heads", "num_heads")
        width = self.number("head_dim") or (whole / heads if whole and heads else None)
        return int(width) if width else None

    @property
    def coordinates(self) -> int | None:
        """How many coordinates it has lanes for, one number each."""
        lists = (value for name, value in self.values.items() if is_named(name, AXES))
        return next((len(value) for value in lists if isinstance(value, (tuple, list))), None)

    @property
    def original_length(self) -> int | None:
        """The length that the model was trained with before its context was extended."""
        return self._count(*_ORIGINAL)

    @property
    def length(self) -> int | None:
        """The longest length that it speaks of as its own, or the original one."""
        return self._count(*_ORIGINAL, *_LENGTH)

    @property
    def longest(self) -> int | None:
        """The longest length that it speaks of as its own."""
        return self._count(*_LENGTH)

    def _count(self, *names: str) -> int | None:
        number = self.number(*names)
        return int(number) if number else None

    def schedules(self) -> tuple[Schedule, ...]:
        """The schedules that this may mean, each with the numbers that it says."""
        try:
            return tuple(self._schedules())
        except (ValueError, TypeError):  # numbers that no schedule has
            return ()

    def _schedules(self) -> Iterator[Schedule]:
        factor, original, theta = self.number(*FACTOR), self.original_length, self.theta
        if self.kind == "linear" and factor:
            yield Plain(theta) if factor == 1 else Linear(factor, theta)
        if self.kind == "proportional":
            yield Proportional(
                self.number("partial_rotary_factor", "proportion") or 1.0, theta, factor or 1.0
            )
        if self.kind == "llama3" and factor and original:
            low, high = self.number("low_freq_factor"), self.number("high_freq_factor")
            yield Llama3(factor, original, theta, low or 1.0, high or 4.0)
        if self.kind == "yarn" and factor and original:
            yield self._yarn(factor, original, theta)
        if self.factors("short_factor") and self.factors("long_factor") and original:
            short = self._longrope(original, theta)
            yield from (short, replace(short, length=original + 1))
        if self.kind in ("", "default"):
            yield Plain(theta)

    def _yarn(self, factor: float, original: int, theta: float) -> Schedule:
        fast, slow = self.number("beta_fast") or 32.0, self.number("beta_slow") or 1.0
        scales = self.number("mscale"), self.number("mscale_all_dim")
        whole = self.values.get("truncate", True) is not False
        attention = self.number("attention_factor")
        return Yarn(factor, original, theta, fast, slow, whole, *scales, attention=attention)

    def _longrope(self, original: int, theta: float) -> LongRope:
        longest = self.number(*_LENGTH) or original
        return LongRope(
            short=self.factors("short_factor"),
            long=self.factors("long_factor"),
            original_length=original,
            factor=self.number("factor") or max(longest / original, 1.0),
            theta=theta,
            attention=self.number("attention_factor"),
        )


def config_of(function: Any) -> ObjectConfig:
    """What an object, or the owner of a method, says of its frequencies."""
    owner = getattr(function, "__self__", function)
    values: dict[str, Any] = dict(_defaults(function))
    configuration = getattr(owner, "config", None)
    for source in (configuration, owner):
        values |= _attributes(source)
        for name in _MAPPINGS:
            mapping = values.get(name)
            if isinstance(mapping, Mapping):
                values |= {str(key): value for key, value in mapping.items()}
    return ObjectConfig(_kind(owner, values), values, tuple(_attributes(configuration)))


def _defaults(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield the parameters of a plain function that have a default, each with it."""
    if isinstance(function, FunctionType):
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.default not in (parameter.empty, None):
                yield name, parameter.default


def layer_types(function: Any) -> tuple[str, ...]:
    """The kinds of layers for which a module keeps frequencies of their own:
    `full_attention`, `sliding_attention`.

    By the names of its buffers, or as its own `layer_types` call them.
    """
    owner = getattr(function, "__self__", function)
    kinds, names = tuple(_of_layers(owner)), getattr(owner, "layer_types", ())
    names = tuple(dict.fromkeys(names)) if isinstance(names, (tuple, list, set, frozenset)) else ()
    same = len(names) == len(kinds) and all(isinstance(name, str) for name in names)
    return names if same else kinds


def layers_differ(function: Any) -> bool:
    """Whether a module keeps other frequencies for one kind of layers than for another."""
    tables = list(_of_layers(getattr(function, "__self__", function)).values())
    return not all(equal(table, tables[0]) for table in tables)


def _of_layers(owner: Any) -> dict[str, Tensor]:
    """The frequencies that a module keeps, by what its buffers say in front of `_inv_freq`."""
    buffers = owner.named_buffers() if isinstance(owner, Module) else ()
    kinds = {
        name.removesuffix("_inv_freq"): buffer
        for name, buffer in buffers
        if name.endswith("_inv_freq")
    }
    return {kind: buffer for kind, buffer in kinds.items() if not kind.endswith("original")}


def _kind(owner: Any, values: Mapping[str, Any]) -> str:
    kind = str(values.get("rope_type") or values.get("type") or "").lower()
    name = type(owner).__name__.lower()
    kinds = {"yarn": "yarn", "llama3": "llama3", "longrope": "longrope", "dynamicntk": "dynamic"}
    by_name = next((of_class for part, of_class in kinds.items() if part in name), "")
    return {"su": "longrope", "ntk": "dynamic", "none": ""}.get(kind, kind) or by_name


def _attributes(source: Any) -> dict[str, Any]:
    if isinstance(source, Mapping):
        return {str(name): value for name, value in source.items()}
    plain = source is None or isinstance(source, Module)
    return ({} if plain else _of_class(type(source))) | dict(getattr(source, "__dict__", {}))


def _of_class(kind: type) -> dict[str, Any]:
    """The plain values that a class holds, as a configuration of a few lines does."""
    return {
        name: value
        for base in reversed(kind.__mro__)
        for name, value in vars(base).items()
        if isinstance(value, _PLAIN) and not name.startswith("_")
    }
