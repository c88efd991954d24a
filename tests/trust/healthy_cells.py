"""The healthy cells: every right implementation, in every convention, shape and dtype,
of several seeds and strides."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, groupby, product
from typing import Any

import made
import sound
import torch
from torch import Tensor
from trusting import BATCHED, CHECKS, DTYPES, Here, declared, evidence, fresh, shapes_for

from rotcheck.convention import Convention
from rotcheck.convention.calls import Call
from rotcheck.measure.case import Case, CaseSubject, Sizes, Slots
from rotcheck.measure.judge import judge, shown_error

SMALL = (
    Sizes(batch=2, heads=3, kv_heads=3, width=32, positions=(0, 1, 4, 257, 2049, 16385, 131071)),
    Sizes(batch=3, heads=5, kv_heads=5, width=14, positions=(131071, 3, 0, 1000, 3, 65537)),
    Sizes(batch=1, heads=6, kv_heads=6, width=64, positions=(7, 8, 9, 10, 11)),
    Sizes(batch=4, heads=2, kv_heads=2, width=2, positions=(0, 99, 4097)),
)
SEEDS = ((11, 1.0), (12, 300.0), (13, 0.01))  # and what the random values are multiplied with
STRIDES = ("contiguous", "transposed", "sliced", "every other lane", "expanded")
WIDTHS = (64, 72, 80, 112, 120, 144)
FAR = (0, 1, 257, 4097, 16385, 65537, 131071)
ROUNDS = 3  # of shape, seed and strides for each function made by rule


class Drawn(Case):
    """A case of other random values."""

    def __init__(
        self,
        judged: CaseSubject,
        dtype: torch.dtype,
        sizes: Sizes,
        seed: int,
        scale: float,
        same: bool,
    ) -> None:
        super().__init__(judged, dtype, sizes)
        self.seed, self.scale, self.same = seed, scale, same

    @cached_property
    def pairs(self) -> Slots:
        drawn = (self.scale * slot for slot in self.draw(self.seed))
        # in all batch rows
        alike = (slot[:1].expand(slot.shape) if self.same else slot for slot in drawn)
        return tuple(slot.to(self.dtype).double() for slot in alike)


class Strided(Here):
    """A function that is called with inputs that lie in memory as `strides` says."""

    strides = "contiguous"

    def call(self, call: Call) -> tuple[Tensor, ...]:
        return super().call(
            call.of(*(laid(x, self.strides, self.convention.axes) for x in call.inputs))
        )


def laid(x: Tensor, strides: str, axes: str) -> Tensor:
    """Return x, laid out in memory another way."""
    if strides == "transposed":
        return x.transpose(0, -2).contiguous().transpose(0, -2)
    if strides == "sliced":
        buffer = torch.full([size + 4 for size in x.shape], torch.nan, dtype=x.dtype)
        inside = buffer[tuple(slice(2, 2 + size) for size in x.shape)]
        return inside.copy_(x)
    if strides == "every other lane":
        return torch.stack((x, torch.full_like(x, torch.nan)), -1).flatten(-2)[..., ::2]
    if strides == "expanded" and "b" in axes:
        batch = axes.index("b")
        return x.narrow(batch, 0, 1).expand(x.shape)
    return x


@dataclass
class Healthy:
    """What the healthy cells came to."""

    cells: int = 0
    alarms: list[str] = field(default_factory=list)
    errors: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    seen: dict[str, set[Any]] = field(default_factory=lambda: defaultdict(set))

    def judged(
        self, name: str, case: Case, check: str, family: str, found: Any, **how: Any
    ) -> None:
        """Count a cell; one that does not apply is none."""
        verdict, dtype = judge(found), str(case.dtype)[6:]
        if verdict == "skipped":
            return
        self.cells += 1
        if verdict != "agrees":
            self.alarms.append(f"{name} {dtype} {check} {how} {found.finding}: {found.message}")
        error = shown_error(found)
        if error is not None and check == "forward":
            self.errors[family, dtype].append(error)
        kinds = {
            "implementation": name,
            "convention": case.convention,
            "dtype": dtype,
            "check": check,
        }
        for kind, value in {
            **kinds,
            "shape": (case.batch, case.positions, case.heads, case.width),
            **how,
        }.items():
            self.seen[kind].add(value)


def by_hand() -> dict[str, Any]:
    """Return the right functions that were written as libraries write them."""
    return {name: thing for name, thing in vars(sound).items() if hasattr(thing, "family")}


def run() -> Healthy:
    """Judge all healthy cells."""
    found = Healthy()
    for name, thing in by_hand().items():
        _all_checks(found, name, thing)
    _made(found)
    _own_angles(found)
    return found


def _all_checks(found: Healthy, name: str, thing: Any) -> None:
    convention = declared(thing)
    assert convention is not None, "right ones declare their convention"
    subject = Here(fresh(thing), convention)
    for sizes in shapes_for(convention):
        for dtype in DTYPES:
            case = Case(subject, getattr(torch, dtype), sizes)
            for check in CHECKS:
                apart = (
                    check == "offset" and sizes in BATCHED
                )  # it asks for rows that are alike in all batch rows
                if not apart and (thing.gradient or check != "backward"):
                    found.judged(name, case, check, thing.family, evidence(subject, case, check))


def _made(found: Healthy) -> None:
    """Ask each function made by rule `forward` for several shapes, seeds and strides,
    each round another mixture."""
    mixtures = _mixtures()
    for convention, functions in groupby(made.every(), key=lambda each: each.convention):
        alike = list(functions)
        for dtype in DTYPES:
            for _ in range(ROUNDS):
                sizes, (seed, scale), strides = next(mixtures)
                subjects = [Strided(each.function, convention) for each in alike]
                case = Drawn(
                    subjects[0], getattr(torch, dtype), sizes, seed, scale, strides == "expanded"
                )
                for each, subject in zip(alike, subjects):
                    subject.strides = strides
                    how = {"seed": seed, "strides": strides}
                    found.judged(
                        each.name,
                        case,
                        "forward",
                        each.family,
                        evidence(subject, case, "forward"),
                        **how,
                    )


def _own_angles(found: Healthy) -> None:
    """Ask those that compute their frequencies for widths where x = 2i / width is rounded,
    and for far positions."""
    for each in made.own_angles():
        subject = Here(each.function, each.convention)
        for width, dtype in product(WIDTHS, DTYPES):
            sizes = Sizes(batch=1, heads=2, kv_heads=2, width=width, positions=FAR)
            case = Case(subject, getattr(torch, dtype), sizes)
            found.judged(
                each.name, case, "forward", each.family, evidence(subject, case, "forward")
            )


def _mixtures() -> Iterator[tuple[Sizes, tuple[int, float], str]]:
    """Yield shapes, seeds and strides for ever; 4, 3 and 5 of them: each meets each."""
    return zip(cycle(SMALL), cycle(SEEDS), cycle(STRIDES))


def conventions() -> dict[str, Convention]:
    """Return the convention of each right function that was written by hand."""
    return {name: own for name, thing in by_hand().items() if (own := declared(thing))}
