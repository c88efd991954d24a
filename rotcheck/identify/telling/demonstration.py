"""A mistake shown: Python that runs without rotcheck and prints the value that came and the value that is right."""

import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor

from rotcheck.convention import Convention, pairs
from rotcheck.convention.calls import results
from rotcheck.identify.telling import call_snippet
from rotcheck.identify.telling.fenced_call import MARGIN, fenced
from rotcheck.measure.case import Case, Sizes
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, unit

FEW = (0, 1, 2, 3)
AN_ODD_NUMBER = (0, 1, 2)
MANY = tuple(range(300))
HARD = (0, 1, 2, 3, 257, 1000, 2049, 4097, 16385, 65537)
PRINT = ['print("came ", came.tolist())', 'print("right", right.tolist())']


@dataclass(frozen=True, slots=True)
class Source:
    """The lines that end with `f = ...`; or the function itself, of which nobody knows where it is written."""

    lines: tuple[str, ...]
    function: Callable[..., Any] | None = None
    narrow: bool = False  # its device has no float64

    def text(self, code: str) -> str:
        """Return code as its device can run it."""
        return code.replace("torch.float64", "torch.float32") if self.narrow else code

    def run(self, code: str) -> dict[str, Any]:
        """Run a piece of Python that calls `f` as a file would be run, without what it prints; return its names."""
        known, paths = dict(sys.modules), list(sys.path)
        space: dict[str, Any] = {
            "__name__": "demonstration",
            "print": lambda *_: None,
            "f": self.function,
        }
        default, state = torch.get_default_device(), torch.random.get_rng_state()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(self.text(code), space)
        finally:
            if (
                torch.get_default_device() != default
            ):  # None would do, but torch 2.4 cannot tell it afterwards
                torch.set_default_device(default)
            torch.random.set_rng_state(state)
            sys.path[:] = paths
            for name in [name for name in known if sys.modules.get(name) is not known[name]]:
                sys.modules[name] = known[name]
            loaded = getattr(space.get("module"), "__name__", "")
            if loaded not in known:
                sys.modules.pop(loaded, None)  # the next piece reads its file anew
        return space


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call in which a mistake may show: how it is made, and in which sizes and dtype."""

    convention: Convention
    sizes: Sizes
    dtype: torch.dtype = torch.float32
    before: str = ""  # a call that is made first, as its arguments: "offset=0"
    earlier: tuple[int, ...] = ()  # positions of a call that is made first
    # of the tables, of which the positions say which to take; 0: one for each position
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Worst:
    """The pair that is furthest from float64: where it is, and the position that it should turn by."""

    batch: int
    row: int
    slot: int
    head: int
    pair: int
    error: float


def attempts(
    conventions: Iterable[Convention], width: int, heads: int, dtype: torch.dtype = torch.float32
) -> list[Attempt]:
    """Return calls in which a mistake may show, the smallest first."""
    made: list[Attempt] = []
    for convention in conventions:
        own = convention.head_dim or width
        small = own if convention.head_dim else max(8, 2 * (convention.rotary_dim or 0))
        few = convention.heads or 2
        rows = (FEW, tuple(reversed(FEW)))
        batched = "b" in convention.axes and (
            "b" in convention.table_axes
            or ("b" in convention.position_axes and convention.positions == "any")
        )
        if batched:
            made.append(Attempt(convention, Sizes(2, few, few, small, rows), dtype))
        for lanes in dict.fromkeys((small, own)):
            made.append(Attempt(convention, Sizes(2, few, few, lanes, FEW), dtype))
        made.append(Attempt(convention, Sizes(2, few, few, small, AN_ODD_NUMBER), dtype))
        made.append(Attempt(convention, Sizes(6, heads, heads, own, FEW), dtype))
        made.append(
            Attempt(replace(convention, last_position=None), Sizes(2, few, few, own, HARD), dtype)
        )
        made.append(Attempt(convention, Sizes(2, few, few, own, HARD), dtype))
        made.append(Attempt(convention, Sizes(2, 5, 5, own, MANY), dtype))
    return made


def _first(tries: Iterable[Attempt], shows: Callable[[Attempt], str | None]) -> str | None:
    """Return the first demonstration that one of these calls gives."""
    for each in tries:
        try:
            found = shows(each)
        except Exception:  # the call does not suit it in these sizes, or no plain formula is known
            continue
        if found:
            return found
    return None


def of_value(source: Source, tries: Iterable[Attempt]) -> str | None:
    """Return a demonstration of a value that is wrong in one of these calls; None: none of them shows it."""
    return _first(tries, partial(_of_value, source))


def of_axis(source: Source, attempt: Attempt, axis: int, pair: int) -> str | None:
    """Return a demonstration that of positions (3, ...) one axis does not turn a pair that belongs to it."""
    case, names = case_of(attempt), call_snippet.names(attempt.convention)
    shape = tuple(case.call().positions.shape)  # type: ignore[union-attr]
    made = [
        f"positions = torch.zeros{shape}.long()",
        f"positions[{axis}] = torch.arange({case.length})",
    ]
    given = {name: f"{name}.clone()" for name in names}
    setup = [
        *source.lines,
        "",
        *call_snippet.inputs(case),
        *made,
        f"returned = f({call_snippet.arguments(case, given)})",
    ]
    worst = Worst(0, case.length - 1, 0, 0, pair, 0.0)
    result = result_of(source.run("\n".join(setup)), case, worst, in_place=False)
    code = "\n".join([*setup, *values_of(case, worst, result)])
    return shown(source, code)


def of_grid(source: Source, attempt: Attempt, pair: int, square: int) -> str | None:
    """Return a demonstration that a square of a grid's first row turns a pair by another row than its first square."""
    case, names = case_of(attempt), call_snippet.names(attempt.convention)
    axis = attempt.convention.axes.index("s")
    alike = [
        f"{name} = {name}.narrow({axis}, 0, 1).expand_as({name}).contiguous()" for name in names
    ]
    given = {name: f"{name}.clone()" for name in names}
    call = f"returned = f({call_snippet.arguments(case, given)})"
    setup = [*source.lines, "", *call_snippet.inputs(case), *alike, call]
    space = source.run("\n".join(setup))
    result = result_of(space, case, Worst(0, square, 0, 0, pair, 0.0), in_place=False)
    lanes = pairs(
        torch.arange(case.rotary_dim), attempt.convention.written, attempt.convention.blocks
    )[pair].tolist()
    first, other = (call_snippet.element(case, (0, at, 0, 0), lanes) for at in (0, square))
    value = [
        f"came = {result}{other}  # square {square}",
        f"right = {result}{first}  # square 0, of the same row",
    ]
    return shown(source, "\n".join([*setup, *value, *PRINT]))


def of_outside(source: Source, tries: Iterable[Attempt], slot: int = 0) -> str | None:
    """Return a demonstration that a call changes memory beside a tensor that it allocates, or that it is handed."""
    every = list(tries)
    return _first(every, partial(_of_allocated, source)) or _first(
        every, partial(_of_outside, source, slot=slot)
    )


def _of_allocated(source: Source, attempt: Attempt) -> str | None:
    case = case_of(attempt)
    call = fenced(f"f({call_snippet.arguments(case, {})})")
    return shown(
        source,
        "\n".join(
            [*source.lines, "", *_surrounded(case), *call, "right = torch.tensor(0)", *PRINT]
        ),
    )


def _of_outside(source: Source, attempt: Attempt, *, slot: int) -> str | None:
    case = case_of(attempt)
    name = call_snippet.names(attempt.convention)[slot]
    memory = _memory(case, name)
    code = [
        *source.lines,
        "",
        *_surrounded(case),
        f"f({call_snippet.arguments(case, {})})",
        f"came = ({memory}[:{MARGIN}] != 7.0).sum() + ({memory}[-{MARGIN}:] != 7.0).sum()  # changed beside {name}",
        "right = torch.tensor(0)",
        *PRINT,
    ]
    return shown(source, "\n".join(code))


def _memory(case: Case, name: str) -> str:
    """Return what the memory of a tensor is called."""
    return "memory" if len(call_snippet.names(case.convention)) == 1 else f"memory_of_{name}"


def _surrounded(case: Case) -> list[str]:
    """Return lines that make the tensors and tables of a call, each tensor between marked elements."""
    margin = f"torch.full(({MARGIN},), 7.0)"
    lines = _setup(case)
    for name in call_snippet.names(case.convention):
        memory = _memory(case, name)
        lines += [
            f"{memory} = torch.cat(({margin}, {name}.flatten(), {margin}))",
            f"{name} = {memory}[{MARGIN}:-{MARGIN}].view({name}.shape)",
        ]
    return lines


def of_writing(source: Source, tries: Iterable[Attempt], *, tables: bool) -> str | None:
    """Return a demonstration that a call changes what it was given: its tables, or its input."""
    return _first(tries, partial(_of_writing, source, tables=tables))


def of_gradient(source: Source, tries: Iterable[Attempt]) -> str | None:
    """Return a demonstration that gradients of ones come back unrotated; None: none of these calls shows it."""
    return _first(tries, partial(_of_gradient, source))


def _of_gradient(source: Source, attempt: Attempt) -> str | None:
    case, names = case_of(attempt), call_snippet.names(attempt.convention)
    given = {name: f"{name} * 1.0" for name in names}
    setup = [*source.lines, "", *_setup(case), f"{names[0]}.requires_grad_()"]
    setup += [f"returned = f({call_snippet.arguments(case, given)})"]
    worst = Worst(0, case.length - 1, 0, 0, 0, 0.0)
    result = result_of(source.run("\n".join(setup)), case, worst, in_place=False)
    every = torch.arange(case.rotary_dim)
    lanes = pairs(every, case.convention.pairing, case.convention.blocks)[0].tolist()
    value = [
        f"{result}.sum().backward()",
        f"came = {names[0]}.grad{call_snippet.element(case, (0, case.length - 1, 0, 0), lanes)}",
        f"angle = {_angle(case, worst)}",
        "right = torch.stack((angle.cos() + angle.sin(), angle.cos() - angle.sin()))  # ones, rotated back",
    ]
    return shown(source, "\n".join([*setup, *value, *PRINT]))


def case_of(attempt: Attempt) -> Case:
    """Return the problem of a call: its tensors and tables, and the truth."""
    judged = SimpleNamespace(convention=attempt.convention, device=torch.device("cpu"))
    return Case(cast(Any, judged), attempt.dtype, attempt.sizes)


def _setup(case: Case, attempt: Attempt | None = None) -> list[str]:
    if attempt is None or not attempt.rows:
        return [
            *call_snippet.inputs(case),
            *call_snippet.positions(case),
            *call_snippet.angles(case),
        ]
    whole = case_of(
        replace(attempt, sizes=replace(attempt.sizes, positions=tuple(range(attempt.rows))))
    )
    at = case.laid_positions(torch.tensor(case.positions))
    return [
        *call_snippet.inputs(case),
        *call_snippet.positions(case, at),
        *call_snippet.angles(whole),
    ]


def _of_value(source: Source, attempt: Attempt) -> str | None:
    case, convention, ahead = case_of(attempt), attempt.convention, list[str]()
    first = [f"f({call_snippet.arguments(case, _clones(convention))})"] if attempt.before else []
    if attempt.before:
        name, _, role = attempt.before.rpartition("=")
        plain = replace(
            convention,
            arguments=tuple(a for a in convention.arguments if not a.startswith(f"{name}=")),
        )
        first = [
            f"f({call_snippet.arguments(case_of(replace(attempt, convention=plain)), _clones(plain))}, {name}={role})"
        ]
    if attempt.earlier:
        other = case_of(replace(attempt, sizes=replace(attempt.sizes, positions=attempt.earlier)))
        ahead = [
            *_setup(other),
            f"f({call_snippet.arguments(other, _clones(convention))})  # an earlier call",
        ]
    setup = [*source.lines, "", *ahead, *_setup(case, attempt), *first]
    given = {name: f"{name}.clone()" for name in call_snippet.names(convention)}
    call = [f"returned = f({call_snippet.arguments(case, given)})"]
    space = source.run("\n".join([*setup, *call]))
    in_place = space["returned"] is None
    if in_place:
        names = call_snippet.names(convention)
        copies = [f"turned_{name} = {name}.clone()" for name in names]
        call = [
            *copies,
            f"f({call_snippet.arguments(case, {name: f'turned_{name}' for name in names})})",
        ]
        space = source.run("\n".join([*setup, *call]))
    inputs = tuple(space[name] for name in call_snippet.names(convention))
    came = (
        tuple(space[f"turned_{name}"] for name in call_snippet.names(convention))
        if in_place
        else results(space["returned"], inputs, in_place=False)
    )
    worst = worst_of(case, inputs, came)
    if worst is None:
        return None
    result = result_of(space, case, worst, in_place=in_place)
    code = "\n".join([*setup, *call, *values_of(case, worst, result)])
    return shown(source, code, case.dtype)


def _clones(convention: Convention) -> dict[str, str]:
    return {name: f"{name}.clone()" for name in call_snippet.names(convention)}


def worst_of(case: Case, inputs: Sequence[Tensor], came: Sequence[Tensor]) -> Worst | None:
    """Return the pair that is furthest off, in rounding steps; None: rounding explains them all."""
    given = case.read_inputs(inputs)
    right = case.rotated(given, case.angles)
    found: Worst | None = None
    for slot, (exact, own) in enumerate(zip(right, case.read(came), strict=False)):
        step = unit(torch.linalg.vector_norm(exact, dim=-1), case.dtype, case.slack)  # (B, S, H, P)
        off = torch.linalg.vector_norm(own - exact, dim=-1) / step  # (B, S, H, P)
        off = off.nan_to_num(torch.inf, torch.inf)
        at = int(off.argmax())
        error = float(off.flatten()[at])
        if error > ROUNDING_LIMIT and (found is None or error > found.error):
            batch, row, head, pair = (
                int(each) for each in torch.unravel_index(torch.tensor(at), off.shape)
            )
            found = Worst(batch, row, slot, head, pair, error)
    return found


def result_of(space: dict[str, Any], case: Case, worst: Worst, *, in_place: bool) -> str:
    """Return the expression of the tensor that came."""
    slot = 0 if case.packed else worst.slot
    if in_place:
        return f"turned_{call_snippet.names(case.convention)[slot]}"
    returned = space["returned"]
    if isinstance(returned, dict):
        return f"returned[{list(returned)[slot]!r}]"
    return f"returned[{slot}]" if isinstance(returned, tuple | list) else "returned"


def values_of(case: Case, worst: Worst, result: str) -> list[str]:
    """Return the lines that show the value that came and the one that is right."""
    convention, turning = case.convention, case.rotary_dim // 2
    at = (worst.batch, worst.row, worst.slot, worst.head)
    name = call_snippet.names(convention)[0 if case.packed else worst.slot]
    still = worst.pair >= turning
    if still:
        lanes = written = [2 * worst.pair, 2 * worst.pair + 1]
    else:
        every = torch.arange(2 * turning)
        lanes = pairs(every, convention.pairing, convention.blocks)[worst.pair].tolist()
        written = pairs(every, convention.written, convention.blocks)[worst.pair].tolist()
    value = convention.slots[worst.slot] == "v"
    taken = f"{name}{call_snippet.element(case, at, lanes)}"
    if value or still:
        written = lanes
        why = "v is not rotated" if value else f"lanes from {2 * turning} on are not rotated"
        right = [f"right = {taken}  # {why}"]
    else:
        right = [f"a, b = {taken}", f"angle = {_angle(case, worst)}", *_TURN]
    came = f"came = {result}{call_snippet.element(case, at, written)}"
    whose = convention.slots[worst.slot] if case.packed else name
    place = f"row {worst.row}, lanes {written[0]} and {written[1]} of {whose}"
    return [f"{came}  # {place}", *right, *PRINT]


_TURN = [
    "cos, sin = angle.cos(), angle.sin()",
    "right = torch.stack((a * cos - b * sin, b * cos + a * sin))",
]


def _angle(case: Case, worst: Worst) -> str:
    """Return the angle of the pair as a formula: `torch.tensor(2 * 10000.0 ** (-4 / 8))`."""
    convention = case.convention
    at = torch.tensor(case.positions)
    place = case.places(at if at.dim() == 1 else at[worst.batch])[worst.row]  # (1,) or (P,)
    position = int(place[worst.pair if len(place) > 1 else 0])
    frequency = f"{convention.theta} ** (-{2 * worst.pair} / {case.rotary_dim})"
    if convention.frequencies:
        frequency = repr(float(case.frequencies[worst.pair]))
    sign = "-" if convention.direction < 0 else ""
    return f"torch.tensor({sign}{position} * {frequency}, dtype=torch.float64)"


def shown(source: Source, code: str, dtype: torch.dtype = torch.float32) -> str | None:
    """Return code that ends with `PRINT`, with the two values behind it; None: rounding explains what differs."""
    try:
        space = source.run(code)
    except Exception:  # it does not run by itself
        return None
    came, right = space["came"], space["right"]
    off = (
        (came - right).abs().max()
        if came.is_complex()
        else (came.cpu().double() - right.cpu().double()).abs().max()
    )
    if bool(off <= 2 * torch.finfo(dtype).eps * right.abs().max()):
        return None
    lines, values = code.splitlines(), (came, right)
    ends = [f"{line}  # {_figures(value)}" for line, value in zip(lines[-2:], values, strict=True)]
    return source.text("\n".join([*lines[:-2], *ends]))


def _figures(value: Tensor) -> str:
    flat = torch.view_as_real(value).flatten() if value.is_complex() else value.flatten()
    return ", ".join(f"{float(each):.5g}" for each in flat)


def _of_writing(source: Source, attempt: Attempt, *, tables: bool) -> str | None:
    case, convention = case_of(attempt), attempt.convention
    names = convention.form.roles if tables else call_snippet.names(convention)
    before = [f"before_{name} = {name}.clone()" for name in names]
    setup = [*source.lines, "", *_setup(case), *before, f"f({call_snippet.arguments(case, {})})"]
    space = source.run("\n".join(setup))
    for name in names:
        own, then = space[name], space[f"before_{name}"]
        if torch.equal(own, then):
            continue
        at = [int(each) for each in torch.unravel_index((own - then).abs().argmax(), own.shape)]
        place = f"[{', '.join(map(str, at))}]"
        value = [
            f"came = {name}{place}  # after the call",
            f"right = before_{name}{place}  # before it",
        ]
        code = "\n".join(
            [*setup, *value, *(line.replace(".tolist()", ".item()") for line in PRINT)]
        )
        return shown(source, code)
    return None
