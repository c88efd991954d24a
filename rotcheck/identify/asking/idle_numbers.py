"""A number that by its name sets frequencies or amplitude: has it any effect?

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

from rotcheck.convention.vocabulary import FACTOR, PAIR_FACTORS, ROTARY_DIM, is_named
from rotcheck.identify.angles.object_config import layer_types
from rotcheck.identify.asking.flags import Build, builder
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.returned_tables import call_maker, tensors_of
from rotcheck.identify.remarks import remark
from rotcheck.implementations.target import Target
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.case import Case, Sizes
from rotcheck.results import Identification, Remark

# few, beyond an original length, and far beyond it
POSITION_SETS = ((0, 1, 2, 3), (0, 1, 5000), (0, 1, 40000))
FACTOR_TRIED = 8.0  # of the context: with a factor of 1 nothing that scales has an effect
_PARTIAL = re.compile(
    r"(partial_)?(rotary|rope)_?(factor|pct|percent(age)?|fraction|ratio)|partial_rotary_factor"
)
_SCALING = re.compile(
    r"mscale(_all_dim)?|att(entio)?n_factor|beta_(fast|slow)|(low|high)_freq_factor"
    r"|(rope_|rotary_)?(scaling_|scale_)?factor|rope_scale|position_scale"
)
_BASE = re.compile(r"((rope|rotary|freqs?)_)?(base|theta)(_freq)?")  # and not xPos's scale_base
# chooses a schedule, which may leave numbers of others idle
_KIND = re.compile(r".*(type|mode|method|kind|scaling|variant|yarn|ntk|dynamic|config).*")
Ask = Callable[[Callable[..., Any], tuple[int, ...]], list[Tensor]]
"""Calls a function for positions, and returns the tensors that come back."""
Arguments = dict[str, Any]


def of_maker(
    target: Target, call: MakerCall, identification: Identification, device: torch.device
) -> Identification:
    """The identification of a maker, with the numbers of its class that change nothing."""

    def ask(function: Callable[..., Any], rows: tuple[int, ...]) -> list[Tensor]:
        length = len(rows) if call.positions == "given" else max(rows) + 1
        return tensors_of(call_maker(function, call, torch.tensor(rows), length))

    convention = identification.convention
    pairs = (convention.rotary_dim or 0) // 2 if convention else 0
    return _with_idle_numbers(target, identification, device, ask, pairs)


def of_rotation(
    target: Target, match: Match, identification: Identification, device: torch.device
) -> Identification:
    """The identification of a function with angles of its own, with idle numbers."""
    width = match.caller.probe.width
    convention = replace(match.convention, head_dim=width, last_position=None)
    if convention.takes_tables or interprets():
        return identification

    def ask(function: Callable[..., Any], rows: tuple[int, ...]) -> list[Tensor]:
        counts = convention.positions in ("from 0", "offset")
        positions = tuple(range(max(rows) + 1)) if counts else rows
        subject = FunctionUnderTest(function, convention, device)
        case = Case(subject, torch.float32, Sizes(1, 1, 1, width, positions))
        return tensors_of(subject(case.call()))

    return _with_idle_numbers(target, identification, device, ask, match.reading.rotary_dim // 2)


def _with_idle_numbers(
    target: Target, identification: Identification, device: torch.device, ask: Ask, pairs: int
) -> Identification:
    build = builder(target, device) or _builder_of_function(target.function)
    if identification.answer == "wrong" or build is None or len(layer_types(target.function)) > 1:
        return identification  # a number of several kinds of layers may serve another kind
    holder = getattr(target.function, "__self__", target.function)
    plain = isinstance(holder, FunctionType)
    signature = inspect.signature(holder if plain else type(holder))
    names = [
        name
        for name, usual, changes in trials(signature.parameters, pairs)
        if _same_results(ask, [partial(build, **usual), partial(build, **changes)])
    ]
    if not names:
        return identification
    return _add_remark(identification, names, "called" if plain else "built")


def _add_remark(identification: Identification, names: Sequence[str], verb: str) -> Identification:
    numbers = " and ".join(f"`{name}`" for name in names)
    message = (
        f"{numbers} change{'s' * (len(names) == 1)} nothing: "
        f"{verb} with other numbers, it turns every pair as before"
    )
    evidence = f"positions {', '.join(map(str, POSITION_SETS[-1]))} and fewer, {verb} with both"
    finding: Remark = remark("idle-argument", message, evidence, mistake=False)
    advice = f"give {names[0]} an effect, or take it away"
    return structs.replace(
        identification,
        follows=False,
        message=message,
        findings=(finding, *identification.findings),
        advice=(*identification.advice, advice),
    )


def _builder_of_function(function: Callable[..., Any]) -> Build | None:
    """What gives a plain function further arguments by name; None: it is no plain function."""
    if not isinstance(function, FunctionType):
        return None
    return lambda **keywords: (partial(function, **keywords), "")


def trials(
    signature: Mapping[str, inspect.Parameter], pairs: int
) -> Iterator[tuple[str, Arguments, Arguments]]:
    """Each parameter that should have an effect, and two sets of arguments that differ in it."""
    numbers = {
        name: parameter.default
        for name, parameter in signature.items()
        if type(parameter.default) in (int, float)
    }
    has_kind = any(
        _KIND.fullmatch(name)
        and (parameter.default is None or isinstance(parameter.default, (str, bool)))
        for name, parameter in signature.items()
    )
    factor = next((name for name in signature if _is_factor(name)), None)
    scaling = {factor: FACTOR_TRIED} if factor and numbers.get(factor, 1) in (0, 1) else {}
    for name, parameter in signature.items():
        value = numbers.get(name)
        if value is None:
            is_open = parameter.default in (None, parameter.empty)
            if is_open and is_named(name, PAIR_FACTORS) and pairs and not has_kind:
                usual, other = (
                    [1.0 + pair * step for pair in range(pairs)] for step in (0.02, 0.03)
                )
                yield name, {name: usual}, {name: other}
        elif _BASE.fullmatch(name) and value > 1:
            yield name, {name: value}, {name: 50 * value}
        elif _is_share(name, value, numbers):
            yield name, {name: value}, {name: value / 2}
        elif _SCALING.fullmatch(name) and not has_kind and value:
            scale = {} if name == factor else scaling
            yield name, {**scale, name: value}, {**scale, name: 4 * value}


def _is_share(name: str, value: float, numbers: Mapping[str, float]) -> bool:
    """Whether a number is the share of a head that turns, and no other number says that too."""
    if not _PARTIAL.fullmatch(name) or not 0 < value <= 1:
        return False
    return not any(is_named(number, ROTARY_DIM) for number in numbers)


def _is_factor(name: str) -> bool:
    scales = bool(_SCALING.fullmatch(name)) and is_named(name, FACTOR)
    return scales and "freq" not in name and "att" not in name


def _same_results(ask: Ask, builds: Sequence[Callable[[], tuple[Callable[..., Any], str]]]) -> bool:
    """Whether two objects give the same for few rows and for many, as far as they take them."""
    ran = False
    for rows in POSITION_SETS:
        try:
            usual, changes = (ask(build()[0], rows) for build in builds)
        except Exception:  # its table ends before, or it is not built with this number
            break
        if not all(torch.equal(a, b) for a, b in zip(usual, changes, strict=True)):
            return False
        ran = bool(usual)
    return ran
