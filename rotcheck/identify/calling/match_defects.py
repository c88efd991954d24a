"""What departs from the nearest convention in a match that is not exact."""

from dataclasses import replace

from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.reading.defects import Defect, find_defect
from rotcheck.identify.reading.formulas import lane_formulas
from rotcheck.identify.reading.matrix_reading import MatrixReading
from rotcheck.identify.reading.rotation_terms import nearest_convention
from rotcheck.identify.reading.unrotated_results import RANDOM, read_unrotated, varies


def with_defect(match: Match) -> Match:
    """Add what departs from the nearest convention, in words."""
    if match.exact or match.defect_words:
        return match
    sample = match.response.sample
    idle = read_unrotated(sample)
    if idle:
        return _with_reading(match, idle)
    defect = _defect(match)
    if match.reading.pairing or (defect.words and not defect.vague):
        return replace(match, defect=defect)
    if varies(match.caller, sample):
        return _with_reading(match, RANDOM)
    return _in_another_form(match, defect) or replace(match, defect=defect)


def _in_another_form(match: Match, defect: Defect) -> Match | None:
    """A match with tables of another form in which a known defect explains what came,
    or else a formula."""
    forms = [replace(form, defect=_defect(form)) for form in match.other_forms]
    for form in forms:
        if form.defect_words and not form.defect.vague:
            return form
    if defect.described_only:
        return None
    return next((form for form in forms if form.defect.described_only), None)


def _with_reading(match: Match, reading: MatrixReading) -> Match:
    """A match of which no matrix says anything, with what its sample says."""
    response = replace(match.response, uneven="", mixes=False)
    defect = Defect(reading.words, described_only=True)
    return replace(match, reading=reading, k=None, v=None, response=response, defect=defect)


def _defect(match: Match) -> Defect:
    response, positions = match.response, match.caller.probe.positions
    defect = find_defect(response, positions)
    if defect.words and not defect.vague:
        return defect
    if match.reading.broadcast:
        return Defect(match.reading.broadcast, described_only=True)
    nearest = nearest_convention(response, positions)
    cos, sin, sample = response.cos, response.sin, response.sample
    if nearest is None or cos is None or sin is None:
        return defect
    formulas = lane_formulas(match.caller, sample, nearest, cos, sin)
    return Defect(formulas, described_only=True) if formulas else defect
