"""The calls of one template, tried in layout after layout with tables of form after form."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rotcheck.convention import Convention, role_of
from rotcheck.identify.calling import candidates, documented_shapes
from rotcheck.identify.calling.argument_roles import Template
from rotcheck.identify.calling.call_match import Match, measure_call
from rotcheck.identify.calling.match_defects import with_defect
from rotcheck.identify.calling.match_ranking import nearness, rank
from rotcheck.identify.calling.refusals import Refusals
from rotcheck.identify.calling.search_limit import SearchLimit
from rotcheck.identify.calling.trial_call import try_call
from rotcheck.identify.reading.caller import Caller
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.rotary.frequencies import inverse_frequencies

BATCH_FIRST = ("bshd", "bhsd")
BFLOAT16_PHASE = 1e-2  # radians: bfloat16 inside is as far off
ENOUGH = 3  # readings of one form of tables in one layout that follow no convention
# such readings of one form in all layouts, where calls are slow: the other forms want their turn
FEW = 8


def search_template(
    caller: Caller, template: Template, refusals: Refusals, limit: SearchLimit
) -> Match | None:
    """The match of a template that gives a right rotation, or else the nearest;
    None: no call is taken."""
    axes = documented_shapes.axes_by_role(caller.function, template)
    inexact = _Inexact(candidates.single_layout(axes))
    groups = candidates.documented_positions_first(candidates.candidates(template), axes)
    if documented_shapes.documents_half_width(caller.function):
        groups.sort(key=lambda group: group[0].form.repeats and group[0].form.separate)
    for group in groups:
        if all(map(refusals.hopeless, group)):
            continue
        conventions = candidates.documented_first(group, axes, few=interprets())
        matches = _matches(caller, conventions, refusals, limit)
        exact = documented_shapes.drop_batched_tables(list(inexact.keep(matches)), axes)
        if exact:
            instead = inexact.likelier_than(exact)
            exact.sort(key=rank)
            return instead or replace(exact[0], alternatives=tuple(exact[1:]))
    return inexact.nearest_with_forms()


def _matches(
    caller: Caller, conventions: Sequence[Convention], refusals: Refusals, limit: SearchLimit
) -> Iterator[Match]:
    """Yield a match for each convention that the function takes,
    until enough of them say the same."""
    counts: Counter[str] = Counter()  # of matches that are not exact, by layout
    first_exact = ""  # the layout of the first that is exact
    for convention in conventions:
        many = counts[convention.layout] > ENOUGH or (interprets() and counts.total() >= FEW)
        needs_no_other = first_exact == "qkv" != convention.layout
        if needs_no_other or many or refusals.hopeless(convention):
            continue
        sample = None if limit.is_reached() else try_call(caller, convention, refusals)
        if sample is None:
            continue
        match = measure_call(caller, convention, sample, lane_by_lane=not interprets())
        if not _turns_by_frequencies(match):
            continue
        counts[convention.layout] += not match.exact
        first_exact = first_exact or (convention.layout if match.exact else "")
        yield match


@dataclass(slots=True)
class _Inexact:
    """The matches of a template that follow no convention,
    as far as one of them may be the call that is meant."""

    layout: str | None  # the axes that the docstring names
    nearest: Match | None = None
    of_other_row: Match | None = None  # the first that takes another row's angle
    with_batch_tables: Match | None = None  # the first with tables (B, S, W) in a usual layout
    as_documented: Match | None = None  # the first that is called as its docstring says
    by_form: dict[str, Match] = field(default_factory=dict)  # the first of each form of tables

    def keep(self, matches: Iterator[Match]) -> Iterator[Match]:
        """Yield the matches that are exact, and keep the others."""
        for match in matches:
            if match.exact:
                yield match
            else:
                self._add(match)

    def _add(self, match: Match) -> None:
        convention = match.convention
        self.by_form.setdefault(convention.tables, match)
        if match.takes_other_row:
            self.of_other_row = self.of_other_row or match
        in_batch = convention.table_axes == "bsw" and convention.layout in BATCH_FIRST
        if in_batch and not match.was_broadcast:
            self.with_batch_tables = self.with_batch_tables or match
        if convention.axes == self.layout:
            self.as_documented = self.as_documented or match
        if not self.nearest or nearness(match, self.layout) > nearness(self.nearest, self.layout):
            self.nearest = match

    def likelier_than(self, exact: Sequence[Match]) -> Match | None:
        """The match that is meant although others are exact,
        as these come out right by chance alone."""
        if self.as_documented and _turns_heads_by_rows(self.as_documented, exact):
            return self.as_documented
        batch_tables = _with_known_defect(self.with_batch_tables, exact)
        if batch_tables and self.layout != "sbhd":
            return batch_tables
        if self.of_other_row:
            # tables of a batch may come out right: their rows are alike in the probe
            return self.of_other_row
        return self.nearest if self.nearest and _batch_as_rows(self.nearest, exact) else None

    def nearest_with_forms(self) -> Match | None:
        """The nearest match, with the first ones that take tables of other forms."""
        if self.nearest is None:
            return None
        forms = tuple(match for match in self.by_form.values() if match is not self.nearest)
        return replace(self.nearest, other_forms=forms)


def _turns_by_frequencies(match: Match) -> bool:
    """Whether a function that is handed frequencies turns its pairs by them,
    and took them for nothing else."""
    if "inv_freq" not in map(role_of, match.convention.arguments):
        return True
    if match.reading.angles is None:
        return False
    frequencies = inverse_frequencies(match.caller.probe.rotary)  # (P,)
    angles = match.reading.angles[1].abs()
    return len(angles) == len(frequencies) and bool(
        (angles - frequencies).abs().max() < BFLOAT16_PHASE
    )


def _turns_heads_by_rows(in_own_layout: Match, exact: Sequence[Match]) -> bool:
    """Whether only layouts that the docstring does not name come out right,
    and in its own each head turns apart."""
    if any(match.convention.axes == in_own_layout.convention.axes for match in exact):
        return False
    return in_own_layout.response.uneven == "head"


def _with_known_defect(batch_tables: Match | None, exact: Sequence[Match]) -> Match | None:
    """A call with tables (B, S, W) that has a known defect, where only (S, B, ...) comes out right.

    What goes wrong along the rows of such tables goes wrong along an axis of size 1 there.
    """
    if batch_tables is None or any(match.convention.layout != "sbhd" for match in exact):
        return None
    match = with_defect(batch_tables)
    return match if match.defect_words and not match.defect.vague else None


def _batch_as_rows(nearest: Match, exact: Sequence[Match]) -> bool:
    """Whether only tables along the first axis come out right, which mixes nothing,
    and others do not."""
    if nearest.even or nearest.convention.layout not in BATCH_FIRST:
        return False
    counts_rows = exact[0].convention.positions in ("from 0", "offset")
    return not counts_rows and all(match.convention.layout == "sbhd" for match in exact)
