"""The search: from a function to the calls that it takes, and to the convention that its response follows."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from rotcheck.convention import Convention, role_of
from rotcheck.identify.calling import candidates, documented_shapes
from rotcheck.identify.calling.exceptions_of_calls import Refusals
from rotcheck.identify.calling.search_limit import Limit
from rotcheck.identify.calling.templates import (
    TABLES,
    Parameter,
    Template,
    names_fit,
    offsets,
    parameters,
    templates,
)
from rotcheck.identify.reading import departure, formulas, unrotated_results
from rotcheck.identify.reading.departure import NO_DEFECT, Defect
from rotcheck.identify.reading.lane_pairs import read_positions, read_tables
from rotcheck.identify.reading.matrix_reading import MatrixReading
from rotcheck.identify.reading.response import (
    TOLERANCE,
    Caller,
    ProbeSizes,
    Response,
    Sample,
    UnfitCall,
    usual_sizes,
)
from rotcheck.implementations.instances import copied
from rotcheck.implementations.size_hints import Hints
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.rotary.frequencies import inverse_frequencies

WIDTHS = (16, 64, 128, 32, 96, 256, 8)  # 96: three coordinates have as many lanes each
CALLS_WITH_A_FLAG = 8
RIGHT = 1e-2  # radians: bfloat16 inside is as far off
IDLE_WIDTHS = 3  # of heads that come back as they were, after which no other width is tried
ENOUGH = 3  # readings of one form of tables in one layout that follow no convention
# such readings of one form in all layouts, where calls are slow: the other forms want their turn
FEW = 8


@dataclass(frozen=True, slots=True)
class Match:
    """A convention that a function follows, or the nearest, and what told so."""

    convention: Convention
    reading: MatrixReading
    response: Response
    alternatives: tuple["Match", ...]  # further calls that give a right rotation too
    caller: Caller
    k: MatrixReading | None = None
    v: MatrixReading | None = None
    idle_offset: str = ""  # a parameter that should say where positions begin, and changes nothing
    # the same function there, of one that lives on another device
    on_cpu: Callable[..., Any] | None = None
    other_forms: tuple[
        "Match", ...
    ] = ()  # the nearest with tables of other forms, where none gives a right rotation
    defect: Defect = NO_DEFECT  # which lanes, heads and rows depart from a convention, and how
    cut_short: bool = False  # the search ended before all calls were tried

    @property
    def defect_words(self) -> str:
        """What departs from a convention, in words."""
        return self.defect.words

    @property
    def exact(self) -> bool:
        """Whether it follows a convention."""
        k_alike = self.k is None or _alike(self.k, self.reading)
        return (
            not self.reading.problem
            and k_alike
            and not self.response.uneven
            and not self.response.mixes
        )


@dataclass(frozen=True, slots=True)
class NoMatch:
    """No call that was tried gave back a rotation; what the likeliest ones raised or returned."""

    reasons: tuple[str, ...]
    likeliest: Convention | None = (
        None  # the call that its signature speaks for, which a declaration may name
    )
    ran: bool = True  # some call came back, if with something else
    why: str = ""  # in words, where that is known


def search(
    function: Callable[..., Any], device: torch.device, hinted: Hints, limit: Limit | None = None
) -> Match | NoMatch:
    """Return what a function does, by trying calls until one gives a rotation.

    First the calls that the names of its parameters speak for, in heads of every width, those hinted at first; all
    others only if none of these runs.
    """
    wanted = templates(function)
    known = parameters(function) or []
    said = [each for each in wanted if names_fit(known, each)]
    tried = _Tried(function, device, known, limit or Limit())
    for some in (said, [each for each in wanted if each not in said]):
        found = None if tried.told else tried.all_of(some, hinted)
        if found is not None:
            return _with_departure(_measured_whole(found))
        tried.guess()
    if tried.nearest is not None:
        return _with_departure(_measured_whole(tried.nearest))
    return NoMatch(tried.ends(), _likeliest(wanted), tried.ran)


def _likeliest(wanted: Sequence[Template]) -> Convention | None:
    return next(iter(candidates.candidates(wanted[0])))[0] if wanted else None


def _with_departure(found: Match) -> Match:
    """Add what departs from the nearest convention, in words."""
    if found.exact or found.defect_words:
        return found
    look = found.response.sample
    still = unrotated_results.read(look) if look else None
    if still:
        return _as_read(found, still)
    departs = _departure(found)
    if found.reading.pairing or (departs.words and not departs.vague):
        return replace(found, defect=departs)
    if look and unrotated_results.varies(found.caller, look):
        return _as_read(found, unrotated_results.OF_CHANCE)
    forms = [replace(each, defect=_departure(each)) for each in found.other_forms]
    known = [form for form in forms if form.defect_words and not form.defect.vague]
    seen = [form for form in forms if form.defect.described_only and not departs.described_only]
    return next(iter((*known, *seen)), replace(found, defect=departs))


def _as_read(found: Match, reading: MatrixReading) -> Match:
    """Return what is told of a function of which no matrix says anything."""
    even = replace(found.response, uneven="", mixes=False)
    departs = Defect(reading.words, described_only=True)
    return replace(found, reading=reading, k=None, v=None, response=even, defect=departs)


def _departure(found: Match) -> Defect:
    positions = found.caller.probe.positions
    known = departure.of_response(found.response, positions)
    nearest = (
        departure.nearest(found.response, positions) if known.vague or not known.words else None
    )
    cos, sin, look = found.response.cos, found.response.sin, found.response.sample
    if nearest is None or cos is None or sin is None or look is None:
        return known
    formulas_of = formulas.of_lanes(found.caller, look, nearest, cos, sin)
    return Defect(formulas_of, described_only=True) if formulas_of else known


def _measured_whole(nearest: Match) -> Match:
    """Ask for each lane by itself, where calls are too slow to do so in each call that was tried."""
    look = nearest.response.sample
    if not interprets() or look is None or not nearest.response.mixes:
        return nearest
    return measure_call(nearest.caller, look.convention, look)


class _Tried:
    """What was tried: the nearest that was found, what calls raised, and how many calls are left."""

    def __init__(
        self,
        function: Callable[..., Any],
        device: torch.device,
        known: Sequence[Parameter],
        limit: Limit,
    ) -> None:
        self._function, self._device, self._known, self._limit = function, device, known, limit
        self.refusals = Refusals()
        self.nearest: Match | None = None
        self.ran = False
        self.told = False  # a call ran that the names speak for
        self._remains = ""

    def guess(self) -> None:
        """Say that no name speaks for the calls that follow."""
        self._limit.guess()

    def ends(self) -> tuple[str, ...]:
        """Return what became of the likeliest calls, and what was left out."""
        first, *others = [*self.refusals.texts, "", ""][:8]
        return tuple(text for text in (first, self._remains, *others) if text)

    def all_of(self, wanted: Sequence[Template], hinted: Hints) -> Match | None:
        """Try these calls; return what is exact or plainly a mistake; None: neither."""
        widths: set[int] = set()
        for probe in _probes(hinted) if wanted else ():
            widths.add(probe.width)
            trier = Caller(
                copied(self._function), self._device, probe, limit=self._limit
            )  # a wrong call may leave something in a cache
            for template in wanted:
                found = self._one(trier, template)
                if found is not None:
                    return found
                if self._limit.reached():
                    self._remains = self._limit.words(_shown(template), probe.width)
                    return (
                        replace(self.nearest, cut_short=not interprets()) if self.nearest else None
                    )
            if self.nearest is not None and (
                self._plain(self.nearest) or self._idle(self.nearest, widths)
            ):
                return self.nearest
            if self.nearest is not None and self._said(self.nearest) and not _still(self.nearest):
                self.nearest = _with_departure(self.nearest)
                if self.nearest.defect_words:
                    return self.nearest
        return None

    def _one(self, trier: Caller, template: Template) -> Match | None:
        probe = trier.probe
        partial = "R" in set(map(role_of, template)) and probe.rotary == probe.width
        half = replace(probe, rotary=probe.width // 2)
        own = Caller(trier.function, self._device, half, limit=self._limit) if partial else trier
        found = _of_template(own, template, self.refusals)
        if found is not None and found.exact:
            found = _with_offset(found)
        trier.calls += own.calls if partial else 0
        self.ran |= own.any_returned
        self.told |= own.any_returned and names_fit(self._known, template)
        if found is not None and found.exact:
            return found
        if not self.nearest or (found and _nearer(found, self.nearest)):
            self.nearest = found
        return self.nearest if self.nearest and _convincing(self.nearest, self._known) else None

    def _plain(self, found: Match) -> bool:
        """Return whether a call that the names speak for does something to each lane, the same in all heads and rows.

        It may be no convention, but no other call will make one of it.
        """
        even = not (found.response.mixes or found.response.uneven)
        return (
            self._said(found)
            and even
            and found.reading.problem not in ("not-rotated", "not-finite")
        )

    def _idle(self, found: Match, widths: set[int]) -> bool:
        """Return whether a call that the names speak for gave back what went in, in heads of several widths."""
        return self._said(found) and _still(found) and len(widths) >= IDLE_WIDTHS

    def _said(self, found: Match) -> bool:
        """Return whether the names of parameters speak for its call."""
        arguments = found.convention.arguments
        return names_fit(self._known, arguments) and not _blind(arguments)


def _with_offset(found: Match) -> Match:
    """Prefer a call that says where its positions begin over one that counts them from 0."""
    if found.convention.positions != "from 0":
        return found
    probe = found.caller.probe
    few = replace(
        probe, length=min(probe.length, usual_sizes().length), positions=usual_sizes().positions
    )
    trier = Caller(found.caller.function, found.caller.device, few, found.caller.dtype)
    for name in offsets(trier.function):
        template = (*found.convention.arguments, f"{name}=offset")
        longer = replace(found.convention, arguments=template, positions="offset")
        if not _takes(trier, longer, Refusals()):
            continue
        still, moved = (trier.rotate_ones(longer, by) for by in (0, 2))
        if torch.allclose(moved[:, :-2], still[:, 2:], atol=1e-5):
            trier.calls += found.caller.calls
            return replace(measure_call(trier, longer), alternatives=found.alternatives)
        if torch.allclose(moved, still, atol=1e-5):
            return replace(found, idle_offset=name)
    return found


def search_again(
    found: Match, function: Callable[..., Any], arguments: Template
) -> Match | NoMatch:
    """Return what a function like that of a call that was found does with other arguments beside tensors and tables.

    In the same call at first, then in others that the names of its parameters speak for: a flag may ask for tables of
    another form.
    """
    first, refusals = found.caller, Refusals()
    trier = Caller(copied(function), first.device, first.probe, first.dtype)
    own = found.convention.arguments
    alike = [each for each in (found, *found.alternatives) if each.convention.arguments == own]
    same = [replace(each.convention, arguments=arguments) for each in alike]
    look = _takes(trier, same[0], refusals)
    if look is not None:
        seen = measure_call(trier, same[0], look)
        if seen.exact:
            others = (
                replace(each, convention=_read_as(seen, ways))
                for each, ways in zip(alike[1:], same[1:])
            )
            return replace(seen, alternatives=tuple(others))
    nearest: Match | None = None
    for template in _with_flag(function, own, arguments):
        seen_so = _of_template(trier, template, refusals)
        if seen_so is not None and seen_so.exact:
            return seen_so
        nearest = nearest or seen_so
    return _with_departure(nearest) if nearest else NoMatch(refusals.texts)


def _read_as(seen: Match, way: Convention) -> Convention:
    """Return another way to call a function, which differs in shapes alone, with what its response in this one told."""
    return replace(
        seen.convention,
        layout=way.layout,
        table_axes=way.table_axes,
        position_axes=way.position_axes,
    )


def _with_flag(function: Callable[..., Any], own: Template, arguments: Template) -> list[Template]:
    """Return the calls in which a flag may be tried: with these arguments, then others that have it too."""
    # it stands among them: other calls may not have it
    if len(arguments) == len(own) and arguments != own:
        return [arguments]
    known, flag = parameters(function) or [], arguments[len(own) :]
    return [
        arguments,
        *((*each, *flag) for each in templates(function) if each != own and names_fit(known, each)),
    ][:CALLS_WITH_A_FLAG]


def _probes(hinted: Hints) -> Iterator[ProbeSizes]:
    for rotary in hinted.rotary[:1]:  # of a head that is wider
        yield usual_sizes(width=2 * rotary, rotary=rotary)
    for length in hinted.lengths[:1]:
        for width in hinted.widths[:2]:
            yield usual_sizes(
                batch=2,
                heads=3,
                width=width,
                rotary=width,
                length=length,
                positions=tuple(range(length)),
            )
    widths = tuple(dict.fromkeys((*hinted.widths, *WIDTHS)))
    for heads in hinted.heads[:1]:
        for width in widths[:4]:
            yield usual_sizes(width=width, rotary=width, heads=heads)
    for width in widths:
        yield usual_sizes(width=width, rotary=width)
    for share in (2, 4):  # tables narrower than a head: partial rotary
        yield usual_sizes(width=widths[0], rotary=widths[0] // share)


def _shown(template: Template) -> str:
    return f"f({', '.join(template)})"


def _convincing(found: Match, known: Sequence[Parameter]) -> bool:
    """Return whether a reading that follows no convention is plainly a mistake in one, and no call amiss."""
    if not names_fit(known, found.convention.arguments):
        return False
    chance = (
        found.response.mixes
        or found.response.uneven
        or found.reading.problem == "pairing-of-tables"
    )
    return bool(found.reading.pairing) and not (chance and _blind(found.convention.arguments))


def _still(found: Match) -> bool:
    return found.reading.problem == "not-rotated"


def _blind(template: Template) -> bool:
    """Return whether q, k or v stand where nothing but trial put them."""
    roles = list(map(role_of, template))
    return not set(roles) & {*TABLES, "positions", "offset", "offsets"} and len(roles) > 2


def _nearer(found: Match, than: Match, layout: str | None = None) -> bool:
    return _nearness(found, layout) > _nearness(than, layout)


def _nearness(found: Match, layout: str | None) -> tuple[bool, bool, bool, bool, float]:
    """Rank a call that gives no right rotation: whether it turns pairs, and alike in all heads and batch rows.

    `layout`: the one that a docstring says, as its axes; a call in it comes before the others. Of two that turn some
    heads alone, one that turns these rightly, and in which more of them turn: one defect is likelier than many.
    """
    pairing, problem = bool(found.reading.pairing), bool(found.reading.problem)
    told = pairing and found.convention.axes == layout
    return (
        pairing,
        told,
        pairing and not found.response.uneven,
        pairing and not problem,
        _moved(found),
    )


def _moved(found: Match) -> float:
    """Return the share of the heads and batch rows of q that do not come back as they went in."""
    look = found.response.sample
    if look is None:
        return 1.0
    # (B, H)
    moved = (
        ((look.outputs[0] - look.inputs[0]).abs() > TOLERANCE).transpose(1, 2).flatten(2).any(-1)
    )
    return float(moved.double().mean())


def _of_template(trier: Caller, template: Template, refusals: Refusals) -> Match | None:
    nearest: Match | None = None
    forms: dict[str, Match] = {}  # the first of each form of tables
    shifted: Match | None = None  # the first that takes another row's angle
    rows_of_a_batch: Match | None = None  # the first with tables (B, S, W) in a usual layout
    held: Match | None = None  # the first that is called as its docstring says
    told = documented_shapes.axes_by_role(trier.function, template)
    layout = candidates.single_layout(told)
    groups = candidates.documented_positions_first(candidates.candidates(template), told)
    if documented_shapes.documents_half_width(trier.function):
        groups.sort(key=lambda group: group[0].form.repeats and group[0].form.separate)
    for tried in groups:
        if all(map(refusals.hopeless, tried)):
            continue
        conventions = candidates.documented_first(tried, told, few=interprets())
        exact: list[Match] = []
        inexact: Counter[str] = Counter()
        for convention in conventions:
            elsewhere = exact and exact[0].convention.layout == "qkv" != convention.layout
            many = inexact[convention.layout] > ENOUGH or (interprets() and inexact.total() >= FEW)
            if elsewhere or many or refusals.hopeless(convention):
                continue
            look = None if trier.limit.reached() else _takes(trier, convention, refusals)
            if look is None:
                continue
            found = measure_call(trier, convention, look, whole=not interprets())
            if not _turns_as_handed(found):
                continue
            inexact[convention.layout] += not found.exact
            if found.exact:
                exact.append(found)
                continue
            forms.setdefault(convention.tables, found)
            shifted = shifted or (found if _shifted(found) else None)
            if convention.table_axes == "bsw" and convention.layout in ("bshd", "bhsd"):
                rows_of_a_batch = rows_of_a_batch or found
            if convention.axes == layout:
                held = held or found
            if nearest is None or _nearer(found, nearest, layout):
                nearest = found
        exact = documented_shapes.drop_batched_tables(exact, told)
        if exact and _otherwise_told(exact, held):
            return held
        batched = _departing_batch(exact, rows_of_a_batch) if exact else None
        if batched and layout != "sbhd":
            return batched
        if exact and shifted:
            # tables of a batch may come out right: their rows are alike in the probe
            return shifted
        if exact and _by_chance(exact, nearest):
            return nearest
        if exact:
            exact.sort(key=_rank)
            return replace(exact[0], alternatives=tuple(exact[1:]))
    others = tuple(form for form in forms.values() if form is not nearest)
    return nearest and replace(nearest, other_forms=others)


def _turns_as_handed(found: Match) -> bool:
    """Return whether a function that is handed frequencies turns its pairs by them, and took them for nothing else."""
    if "inv_freq" not in map(role_of, found.convention.arguments):
        return True
    if found.reading.angles is None:
        return False
    handed = inverse_frequencies(found.caller.probe.rotary)  # (P,)
    seen = found.reading.angles[1].abs()
    return len(seen) == len(handed) and bool((seen - handed).abs().max() < RIGHT)


def _otherwise_told(exact: list[Match], held: Match | None) -> bool:
    """Return whether only another layout comes out right than is told, which turns heads by the rows of positions."""
    if held is None or any(found.convention.axes == held.convention.axes for found in exact):
        return False
    return held.response.uneven == "head"


def _departing_batch(exact: Sequence[Match], batched: Match | None) -> Match | None:
    """Return a call with tables (B, S, W) that departs in a known way, where only (S, B, ...) comes out right.

    What goes wrong along the rows of such tables goes wrong along an axis of size 1 there.
    """
    if batched is None or any(found.convention.layout != "sbhd" for found in exact):
        return None
    seen = _with_departure(batched)
    return seen if seen.defect_words and not seen.defect.vague else None


def _shifted(found: Match) -> bool:
    return "shifted" in (one.problem for one in (found.reading, found.k, found.v) if one)


def _by_chance(exact: list[Match], nearest: Match | None) -> bool:
    """Return whether only tables along the first axis come out right, which mixes nothing, and others do not."""
    if nearest is None:
        return False
    if not (nearest.response.uneven or nearest.response.mixes):
        return False
    counted = exact[0].convention.positions in ("from 0", "offset")
    usual = counted or any(found.convention.layout != "sbhd" for found in exact)
    return not usual and nearest.convention.layout in ("bshd", "bhsd")


def _takes(trier: Caller, convention: Convention, refusals: Refusals) -> Sample | None:
    """Return what came back of such a call, where the function takes it and returns what has the shape it was given."""
    given = trier.random(convention)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of calls that do not suit it
            got = trier.call(convention, given)
    except UnfitCall as error:
        refusals.take(convention)
        refusals.say(f"{_shown(convention.arguments)} {error}")
        return None
    except Exception as error:  # whatever a call that does not suit it raises
        refusals.learn(convention, error, trier.probe.width)
        refusals.say(exception_words(_shown(convention.arguments), error))
        return None
    refusals.take(convention)
    return Sample(convention, tuple(given), got)


def on_device(found: Match, function: Callable[..., Any], device: torch.device) -> Match | NoMatch:
    """Return what a function does on a device in the call that was found on the CPU, where no wrong call harms."""
    own, refusals = found.caller, Refusals()
    trier = Caller(copied(function), device, own.probe, own.dtype)
    look = _takes(trier, found.convention, refusals)
    if look is None:
        return NoMatch(refusals.texts, found.convention)
    seen = measure_call(trier, found.convention, look)
    trier.calls = own.calls
    others = tuple(
        replace(
            each,
            caller=Caller(trier.function, device, each.caller.probe, each.caller.dtype),
            on_cpu=own.function,
        )
        for each in found.alternatives
    )
    return _with_departure(
        replace(seen, alternatives=others, idle_offset=found.idle_offset, on_cpu=own.function)
    )


def exception_words(call: str, error: Exception) -> str:
    """Return in words what a call raised."""
    return f"{call} raises {type(error).__name__}: {(str(error).splitlines() or [''])[0][:160]}"


def measure_call(
    trier: Caller, convention: Convention, look: Sample | None = None, *, whole: bool = True
) -> Match:
    """Measure the response to a call that the function takes, and read it.

    `look`: what that call did to random values, if that is known. `whole`: as `Trier.respond` has it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same at every basis vector
        given = look.inputs if look else trier.random(convention)
        got = look.outputs if look else trier.call(convention, given)
        response = trier.respond(convention, given, got, whole=whole)
    readings = [_reading(matrix, response) for matrix in response.matrices]
    q, k, v = (*readings, None, None, None)[:3]
    assert q is not None, "a call returns something"
    arguments = _swapped(convention.arguments) if q.sin_first else convention.arguments
    known = replace(
        convention,
        arguments=arguments,
        pairing=q.pairing or convention.pairing,
        direction=q.direction or 1,
        output_lanes=q.output_lanes,
        table_lanes=q.table_lanes if q.table_lanes != q.pairing else None,
        blocks=q.blocks,
        rotary_dim=None if q.rotary_dim in (0, trier.probe.width) else q.rotary_dim,
        rotates_v=v is not None and v.problem != "not-rotated",
    )
    return Match(known, q, response, (), trier, k if len(readings) > 1 else None, v)


def _reading(matrix: torch.Tensor, response: Response) -> MatrixReading:
    return read_positions(matrix) if response.cos is None else read_tables(matrix, response)


def _swapped(template: Template) -> Template:
    """Exchange cos and sin in a template."""
    names = {
        "cos": "sin",
        "sin": "cos",
        "(cos, sin)": "(sin, cos)",
        "cos+sin": "sin+cos",
        "cos|sin": "sin|cos",
    } | {"[cos, sin]": "[sin, cos]"}
    parts = [argument.rpartition("=") for argument in template]
    return tuple(f"{name}{equals}{names.get(role, role)}" for name, equals, role in parts)


def _alike(one: MatrixReading, other: MatrixReading) -> bool:
    if one != other:
        return False
    if one.angles is None or other.angles is None:
        return one.angles is other.angles
    return bool((one.angles - other.angles).abs().max() < 1e-4)


def _rank(found: Match) -> tuple[int, int, int]:
    """Prefer calls that leave V alone, then the commonest layouts and axes of tables."""
    convention = found.convention
    layouts = (*candidates.PLAIN_LAYOUTS, "qkv", *candidates.PACKED_LAYOUTS)
    axes = convention.table_axes
    order = ("1s31w", "bsw", "1sw", "sw", "gbsw") if not broadcasts(found) else ("1s31w",)
    place = order.index(axes) if axes in order else len(order)
    if convention.positions == "any":
        place = ("bs", "1s", "s", *candidates.COORDINATE_AXES).index(convention.position_axes)
    return int(convention.rotates_v), place, layouts.index(convention.layout)


def broadcasts(found: Match) -> bool:
    """Return whether the tables just line up with the tensor, as `x * cos` has them: then any layout will do."""
    convention = found.convention
    return convention.tables != "positions" and convention.table_axes.lstrip("1") in (
        candidates.broadcast_axes(convention.axes).lstrip("1"),
        candidates.broadcast_axes(convention.axes).replace("3", "1").lstrip("1"),
    )
