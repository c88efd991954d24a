"""The search: from a function to the calls that it takes,
and to the convention that its response follows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from rotcheck.convention import role_of
from rotcheck.identify.calling import candidates
from rotcheck.identify.calling.argument_roles import PLACES, TABLES, Template
from rotcheck.identify.calling.call_match import Match, NoMatch, measure_call
from rotcheck.identify.calling.match_defects import with_defect
from rotcheck.identify.calling.match_ranking import nearness
from rotcheck.identify.calling.offset_argument import with_offset
from rotcheck.identify.calling.parameters import Parameter, parameters
from rotcheck.identify.calling.refusals import Refusals
from rotcheck.identify.calling.role_evidence import names_fit
from rotcheck.identify.calling.search_limit import SearchLimit
from rotcheck.identify.calling.template_search import search_template
from rotcheck.identify.calling.templates import templates
from rotcheck.identify.calling.trial_call import call_text
from rotcheck.identify.reading.caller import Caller
from rotcheck.identify.reading.probe_sizes import ProbeSizes, usual_sizes
from rotcheck.implementations.instances import copy_of
from rotcheck.implementations.size_hints import Hints
from rotcheck.implementations.triton_interpreter import interprets

WIDTHS = (16, 64, 128, 32, 96, 256, 8)  # 96: three coordinates have as many lanes each
IDLE_WIDTHS = 3  # of heads that come back as they were, after which no other width is tried


def search(
    function: Callable[..., Any],
    device: torch.device,
    hints: Hints,
    limit: SearchLimit | None = None,
) -> Match | NoMatch:
    """What a function does, found by trying calls until one gives a rotation.

    First the calls that the names of its parameters speak for, in heads of every width, those
    hinted at first; all others only if none of these runs.
    """
    calls = templates(function)
    places = parameters(function) or []
    by_name = [call for call in calls if names_fit(places, call)]
    attempt = _Search(function, device, places, limit or SearchLimit())
    for group in (by_name, [call for call in calls if call not in by_name]):
        match = None if attempt.named_call_ran else attempt.try_templates(group, hints)
        if match is not None:
            return with_defect(_lane_by_lane(match))
        attempt.guess()
    if attempt.nearest is not None:
        return with_defect(_lane_by_lane(attempt.nearest))
    likeliest = next(iter(candidates.candidates(calls[0])))[0] if calls else None
    return NoMatch(attempt.reasons(), likeliest, attempt.ran)


def _lane_by_lane(match: Match) -> Match:
    """Ask for each lane by itself, where calls are too slow to do so
    in each call that was tried."""
    sample = match.response.sample
    if not interprets() or sample is None or not match.response.mixes:
        return match
    return measure_call(match.caller, sample.convention, sample)


class _Search:
    """A search under way: the nearest match, what calls raised, and how many calls are left."""

    def __init__(
        self,
        function: Callable[..., Any],
        device: torch.device,
        parameters: Sequence[Parameter],
        limit: SearchLimit,
    ) -> None:
        self._function, self._device = function, device
        self._parameters, self._limit = parameters, limit
        self.refusals = Refusals()
        self.nearest: Match | None = None
        self.ran = False  # some call came back
        self.named_call_ran = False  # one that the names of the parameters speak for
        self._remainder = ""

    def guess(self) -> None:
        """Say that no name speaks for the calls that follow."""
        self._limit.guess()

    def reasons(self) -> tuple[str, ...]:
        """What became of the likeliest calls, and what was left out."""
        first, *rest = [*self.refusals.texts, "", ""][:8]
        return tuple(text for text in (first, self._remainder, *rest) if text)

    def try_templates(self, calls: Sequence[Template], hints: Hints) -> Match | None:
        """Try these calls; the match that is exact or plainly a mistake; None: neither."""
        widths: set[int] = set()
        for probe in _probes(hints) if calls else ():
            widths.add(probe.width)
            # a copy: a wrong call may leave something in a cache
            function = copy_of(self._function)
            caller = Caller(function, self._device, probe, limit=self._limit)
            for template in calls:
                match = self._try_template(caller, template)
                if match is not None:
                    return match
                if self._limit.is_reached():
                    self._remainder = self._limit.words(call_text(template), probe.width)
                    return self.nearest and replace(self.nearest, cut_short=not interprets())
            if self._is_settled(widths):
                return self.nearest
        return None

    def _try_template(self, caller: Caller, template: Template) -> Match | None:
        """The match of a template where it is exact or convincing; keeps the nearest else."""
        match, ran = self._match(caller, template)
        self.ran |= ran
        self.named_call_ran |= ran and names_fit(self._parameters, template)
        if match is not None and match.exact:
            return match
        if self.nearest is None or (match and nearness(match) > nearness(self.nearest)):
            self.nearest = match
        return self.nearest if self.nearest and self._is_convincing(self.nearest) else None

    def _match(self, caller: Caller, template: Template) -> tuple[Match | None, bool]:
        """The match of a template, and whether any of its calls ran;
        half of the lanes rotate if it names how many."""
        probe, partial = caller.probe, caller
        if "R" in map(role_of, template) and probe.rotary == probe.width:
            half = replace(probe, rotary=probe.width // 2)
            partial = Caller(caller.function, self._device, half, limit=self._limit)
        match = search_template(partial, template, self.refusals, self._limit)
        match = with_offset(match) if match and match.exact else match
        caller.calls += partial.calls if partial is not caller else 0
        return match, partial.any_returned

    def _is_settled(self, widths: set[int]) -> bool:
        """Whether no other width will make a convention of the nearest match,
        since names speak for its call.

        It does something to each lane, the same in all heads and rows,
        or gave back its input in several widths, or has a known defect.
        """
        nearest = self.nearest
        if nearest is None or not self._speaks_for(nearest):
            return False
        if nearest.returns_input:
            return len(widths) >= IDLE_WIDTHS
        if nearest.even and nearest.reading.problem != "not-finite":
            return True
        self.nearest = with_defect(nearest)
        return bool(self.nearest.defect_words)

    def _speaks_for(self, match: Match) -> bool:
        arguments = match.convention.arguments
        return names_fit(self._parameters, arguments) and not _without_tables(arguments)

    def _is_convincing(self, match: Match) -> bool:
        """Whether a reading that follows no convention is plainly a mistake in one,
        and no call amiss."""
        arguments = match.convention.arguments
        if not match.reading.pairing or not names_fit(self._parameters, arguments):
            return False
        if match.was_broadcast:
            return False
        by_chance = not match.even or match.reading.problem == "pairing-of-tables"
        return not (by_chance and _without_tables(arguments))


def _without_tables(template: Template) -> bool:
    """Whether q, k or v stand where nothing but trial put them."""
    roles = list(map(role_of, template))
    return not set(roles) & {*TABLES, *PLACES} and len(roles) > 2


def _probes(hints: Hints) -> Iterator[ProbeSizes]:
    """Yield the sizes to try, those hinted at first."""
    for rotary in hints.rotary[:1]:  # of a head that is wider
        yield usual_sizes(width=2 * rotary, rotary=rotary)
    for length in hints.lengths[:1]:
        for width in hints.widths[:2]:
            positions = tuple(range(length))
            yield usual_sizes(
                batch=2, heads=3, width=width, rotary=width, length=length, positions=positions
            )
    widths = tuple(dict.fromkeys((*hints.widths, *WIDTHS)))
    for heads in hints.heads[:1]:
        for width in widths[:4]:
            yield usual_sizes(width=width, rotary=width, heads=heads)
    for width in widths:
        yield usual_sizes(width=width, rotary=width)
    for share in (2, 4):  # tables narrower than a head: partial rotary
        yield usual_sizes(width=widths[0], rotary=widths[0] // share)
