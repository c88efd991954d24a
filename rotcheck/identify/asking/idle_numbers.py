"""A number on which frequencies or amplitude hang by its name: is it of any effect?

Of a class, one that it is built with; of a plain function, one that it has a default for.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import FunctionType
from typing import Any

import torch
from msgspec import structs
from torch import Tensor

from rotcheck.convention.vocabulary import FACTOR, PAIR_FACTORS, ROTARY_DIM, said
from rotcheck.identify.angles.object_config import layer_types
from rotcheck.identify.asking.flags import rebuilt
from rotcheck.identify.asking.judged_function import Function
from rotcheck.identify.calling.match import Match
from rotcheck.identify.making.table_calls import Recipe, called
from rotcheck.identify.remarks import remark
from rotcheck.implementations.target import Target
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.device import fetch
from rotcheck.results import Identification

# few, beyond an original length, and far beyond it
ROWS = ((0, 1, 2, 3), (0, 1, 5000), (0, 1, 40000))
SCALED = 8.0  # the factor of the context: with a factor of 1 nothing that scales has an effect
_PARTIAL = re.compile(
    r"(partial_)?(rotary|rope)_?(factor|pct|percent(age)?|fraction|ratio)|partial_rotary_factor"
)
_SCALING = re.compile(
    r"mscale(_all_dim)?|att(entio)?n_factor|beta_(fast|slow)|(low|high)_freq_factor"
    r"|(rope_|rotary_)?(scaling_|scale_)?factor|rope_scale|position_scale"
)
_BASE = re.compile(r"((rope|rotary|freqs?)_)?(base|theta)(_freq)?")  # and not xPos's scale_base
_KIND = re.compile(
    r".*(type|mode|method|kind|scaling|variant|yarn|ntk|dynamic|config).*"
)  # which may leave others idle
Call = Callable[[Callable[..., Any], tuple[int, ...]], list[Tensor]]


def of_maker(
    target: Target, recipe: Recipe, told: Identification, device: torch.device
) -> Identification:
    """Return what is told of one that makes tables, and which numbers of its class change nothing."""

    def call(function: Callable[..., Any], rows: tuple[int, ...]) -> list[Tensor]:
        length = len(rows) if recipe.positions == "given" else max(rows) + 1
        return _tensors(called(function, recipe, torch.tensor(rows), length))

    pairs = (told.convention.rotary_dim or 0) // 2 if told.convention else 0
    return _with_idle(target, told, device, call, pairs)


def of_rotation(
    target: Target, found: Match, told: Identification, device: torch.device
) -> Identification:
    """Return what is told of one that rotates by angles of its own, and which numbers of its class change nothing."""
    convention = replace(found.convention, head_dim=found.caller.probe.width, last_position=None)
    if convention.tables != "positions" or interprets():
        return told

    def call(function: Callable[..., Any], rows: tuple[int, ...]) -> list[Tensor]:
        asked = Function(function, convention, device)
        counted = convention.positions in ("from 0", "offset")
        sizes = Sizes(
            1, 1, 1, found.caller.probe.width, tuple(range(max(rows) + 1)) if counted else rows
        )
        return _tensors(asked(Case(asked, torch.float32, sizes).call()))

    return _with_idle(target, told, device, call, found.reading.rotary_dim // 2)


def _with_idle(
    target: Target, told: Identification, device: torch.device, call: Call, pairs: int
) -> Identification:
    build = rebuilt(target, device) or _with_arguments(target.function)
    if told.answer == "wrong" or build is None or len(layer_types(target.function)) > 1:
        return told  # a number of several kinds of layers may serve another kind
    own = getattr(target.function, "__self__", target.function)
    plain = isinstance(own, FunctionType)
    every = inspect.signature(own if plain else type(own)).parameters
    idle = [
        (name, given)
        for name, given, other in _tried(every, pairs)
        if _changes_nothing(call, [partial(build, **given), partial(build, **other)])
    ]
    if not idle:
        return told
    names = " and ".join(f"`{name}`" for name, _ in idle)
    how = "called" if plain else "built"
    words = f"{names} change{'s' * (len(idle) == 1)} nothing: {how} with other numbers, it turns every pair as before"
    seen = f"positions {', '.join(map(str, ROWS[-1]))} and fewer, {how} with both"
    found = remark("idle-argument", words, seen, mistake=False)
    advice = f"give {idle[0][0]} an effect, or take it away"
    return structs.replace(
        told,
        follows=False,
        message=words,
        findings=(found, *told.findings),
        advice=(*told.advice, advice),
    )


def _with_arguments(
    function: Callable[..., Any],
) -> Callable[..., tuple[Callable[..., Any], str]] | None:
    """Return what gives a plain function further arguments by name; None: it is no plain function."""
    if not isinstance(function, FunctionType):
        return None
    return lambda **given: (partial(function, **given), "")


def _tried(
    every: Mapping[str, inspect.Parameter], pairs: int
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield the name of a parameter that is to have an effect, and two sets of arguments that differ in it alone."""
    numbers = {
        name: each.default for name, each in every.items() if type(each.default) in (int, float)
    }
    chosen = any(
        _KIND.fullmatch(name) and (each.default is None or isinstance(each.default, (str, bool)))
        for name, each in every.items()
    )
    factor = next((name for name in every if _factor(name)), None)
    scaled = {factor: SCALED} if factor and numbers.get(factor, 1) in (0, 1) else {}
    for name, each in every.items():
        value = numbers.get(name)
        if said(name, PAIR_FACTORS) and each.default in (None, each.empty) and pairs and not chosen:
            one, other = ([1.0 + pair * step for pair in range(pairs)] for step in (0.02, 0.03))
            yield name, {name: one}, {name: other}
        elif value is None:
            continue
        elif _BASE.fullmatch(name) and value > 1:
            yield name, {name: value}, {name: 50 * value}
        elif (
            _PARTIAL.fullmatch(name)
            and 0 < value <= 1
            and not any(said(one, ROTARY_DIM) for one in numbers)
        ):
            yield name, {name: value}, {name: value / 2}
        elif _SCALING.fullmatch(name) and not chosen and value:
            given = {} if name == factor else scaled
            yield name, {**given, name: value}, {**given, name: 4 * value}


def _factor(name: str) -> bool:
    return (
        bool(_SCALING.fullmatch(name))
        and said(name, FACTOR)
        and "freq" not in name
        and "att" not in name
    )


def _changes_nothing(
    call: Call, builds: Sequence[Callable[[], tuple[Callable[..., Any], str]]]
) -> bool:
    """Return whether two objects give the same for few rows and for many, as far as they take them."""
    ran = False
    for rows in ROWS:
        try:
            one, other = (call(build()[0], rows) for build in builds)
        except Exception:  # its table ends before, or it cannot be built with this number
            break
        if not all(
            a.shape == b.shape and torch.equal(a, b) for a, b in zip(one, other, strict=True)
        ):
            return False
        ran = bool(one)
    return ran


def _tensors(returned: Any) -> list[Tensor]:
    several = tuple(returned.values()) if isinstance(returned, dict) else returned
    parts = several if isinstance(several, (tuple, list)) else (several,)
    return [fetch(part) for part in parts if isinstance(part, Tensor)]
