"""The identification of a function that rotates, from a call that was found for it."""

from dataclasses import replace
from functools import partial

import torch
from msgspec import structs

from rotcheck.convention import Convention, role_of
from rotcheck.identify.angles.angle_findings import AngleFindings
from rotcheck.identify.angles.rotation_angles import read_rotation_angles
from rotcheck.identify.asking import (
    call_refinement,
    layout_contradiction,
    point_coordinates,
    prints_and_warnings,
    table_sections,
)
from rotcheck.identify.asking.capabilities import Capabilities, capabilities
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.asking.layout_contradiction import Contradiction
from rotcheck.identify.asking.question import ask_call, ask_values, has_mistake
from rotcheck.identify.asking.random_values import of_values
from rotcheck.identify.calling import repeated_calls
from rotcheck.identify.calling.call_match import Match, NoMatch
from rotcheck.identify.calling.match_ranking import any_layout
from rotcheck.identify.calling.role_evidence import speaks_of_rotation
from rotcheck.identify.identification_result import (
    IdentificationResult,
    identification_of,
    without_convention,
)
from rotcheck.identify.making import grid_layout
from rotcheck.identify.making.grid_calls import rotation_angles, rotation_layout
from rotcheck.identify.making.grid_description import add_sides
from rotcheck.identify.making.grid_layout import PatchGrid
from rotcheck.identify.making.table_description import amplitude_beyond_rounding
from rotcheck.identify.reading import convention_words
from rotcheck.identify.telling import doubt, statement_evidence, unidentified_call
from rotcheck.implementations.instances import copy_of
from rotcheck.implementations.target import Target
from rotcheck.measure.case import THETA, Sizes
from rotcheck.results import Description, FieldEvidence, Remark

APART = "its rows are not positions 0, 1, 2, ..., so that no other function has the same angles"
COMPARE = "`rotcheck identify SPECIFICATION --like REFERENCE`: compare it with the one that it was modelled on"
READABLE = ("", "scaled", "xpos", "low-precision")  # problems that leave the angles as they are
NOTHING = "no call that was tried returned a rotation of its input, or tables of one"
SMALL_GRIDS = "its frequencies were not seen: it takes small grids alone"


def identify_rotation(
    target: Target, match: Match | NoMatch, device: torch.device
) -> IdentificationResult:
    """Identify a function by the call that was found, with mistakes that are beyond doubt."""
    if isinstance(match, NoMatch):
        return _without_call(target, match, device)
    match = point_coordinates.with_three_axes(call_refinement.in_narrower_heads(match))
    match, contradiction = layout_contradiction.in_documented_layout(match, target.function)
    if match.caller.device.type != device.type:
        on_device = repeated_calls.on_device(match, target.function, device)
        if isinstance(on_device, NoMatch):
            message = f"rotates on cpu, and on {device} {on_device.reasons[0]}"
            return without_convention(target, device, message)
        match = on_device
    inquiry = _Inquiry(target, match, device)
    inquiry.ask()
    return _decide(target, match, _conclude(inquiry), contradiction)


def _without_call(target: Target, match: NoMatch, device: torch.device) -> IdentificationResult:
    result = without_convention(
        target,
        device,
        unidentified_call.why(match) or NOTHING,
        tried=unidentified_call.explanation(target.function, match.reasons),
        advice=unidentified_call.advice(target, match, device),
    )
    return replace(result, lacks_gpu=unidentified_call.lacks_gpu(match))


class _Inquiry:
    """What is asked of a function in a call that rotates, and what came of it."""

    def __init__(self, target: Target, match: Match, device: torch.device) -> None:
        self.target, self.device = target, device
        # a table that it keeps from a call in float32 would serve bfloat16 too, and vice versa
        self._fresh, self._reuse = copy_of(target.function), copy_of(target.function)
        match = call_refinement.with_right_values(target, match, device)
        match, sections = table_sections.with_sections(call_refinement.in_wider_heads(match))
        answer = ask_call(match, sections)
        self.match = match
        self.remarks = list(answer.remarks)
        self.evidence = list(answer.evidence)
        self.grid = rotation_layout(match)
        self.reading = _angles(match, self.grid, answer.doubt)
        self.error: float | None = None
        self.abilities = Capabilities()

    def ask(self) -> None:
        """Ask of angles, values, memory and dtypes, and what else can go wrong in values."""
        self._add_angles()
        function, sizes = self._under_test()
        is_scaled, apart = self.reading.attention, self.reading.apart
        problem = has_mistake(self.remarks) or is_scaled or apart or self.match.reading.problem
        faults: list[Remark] = []
        if not problem:
            self.error, faults = of_values(function, sizes)
        self.abilities = capabilities(function, sizes, with_values=not problem, fresh=self._fresh)
        self.evidence += self.abilities.evidence
        self.remarks += [*(faults or self.abilities.bfloat16_remarks), *self.abilities.remarks]
        self.convention = replace(function.convention, in_place=self.abilities.in_place)
        if not is_scaled:
            function = replace(function, function=self._reuse, convention=self.convention)
            self.remarks += ask_values(
                function, sizes, self.match, self.remarks, with_values=not problem
            )

    def _add_angles(self) -> None:
        """Add what its own angles say, and those of a grid's squares."""
        if self.reading.attention:
            self.remarks = [remark for remark in self.remarks if remark.code != "scaled"]
        self.remarks += self.reading.remarks
        if self.grid:
            self.remarks += grid_layout.of_exchange(self.grid)
            says, because = self.grid.words, grid_layout.EVIDENCE
            self.evidence.insert(0, FieldEvidence(field="positions", says=says, because=because))

    def _under_test(self) -> tuple[FunctionUnderTest, Sizes]:
        """The function with its convention, and the sizes to ask it for."""
        convention, match = self.reading.convention, self.match
        width, rotary_dim = match.caller.probe.width, convention.rotary_dim
        one_width = (convention.frequencies and not rotary_dim) or (
            call_refinement.takes_one_width(match)
        )
        convention = replace(
            convention,
            head_dim=width if one_width else None,
            heads=call_refinement.only_head_count(match),
        )
        function = FunctionUnderTest(self.target.function, convention, self.device, match.on_cpu)
        if self.reading.positions:
            return function, Sizes(width=width, positions=self.reading.positions)
        return function, Sizes(width=width if one_width else max(64, 2 * (rotary_dim or 0)))


def _angles(match: Match, grid: PatchGrid | None, doubt: str | None) -> AngleFindings:
    """What the angles of a function say that makes its own; `doubt`: why they are unclear.

    Of any other they say nothing, at no positions.
    """
    readable = (
        not match.response.uneven
        and match.reading.angles is not None
        and match.reading.problem in READABLE
    )
    if grid is not None and not grid.sides_swapped:
        reading = _of_squares(match, grid)
    elif readable:
        reading = read_rotation_angles(match)
    else:
        return AngleFindings(match.convention, ())
    reading.doubt = reading.doubt or doubt
    return reading


def _of_squares(match: Match, grid: PatchGrid) -> AngleFindings:
    """What the angles of a grid's squares say, which are no positions that other functions have."""
    reading = AngleFindings(match.convention, (0, 1, 2, 3), schedule="axial", apart=True)
    add_sides(reading, match.caller.function, partial(rotation_angles, match), grid)
    reading.doubt = reading.doubt or (None if reading.evidence else SMALL_GRIDS)
    return reading


def _conclude(inquiry: _Inquiry) -> IdentificationResult:
    """Say what came of an inquiry."""
    match, reading, device = inquiry.match, inquiry.reading, inquiry.device
    if not match.reading.pairing:
        return _no_rotation(inquiry)
    convention, abilities = inquiry.convention, inquiry.abilities
    rotary_dim = statement_evidence.of_rotary_dim(
        convention, follows_tables=abilities.takes_narrower_tables
    )
    error = inquiry.error
    evidence = [
        *statement_evidence.of_call(match, convention),
        rotary_dim,
        *reading.evidence,
        *([statement_evidence.of_error(error)] if error is not None else []),
        *inquiry.evidence,
    ]
    mistaken, why = has_mistake(inquiry.remarks), reading.doubt
    if not match.exact and not mistaken:  # a choice that is not judged
        why = why or inquiry.remarks[0].message
    identification = identification_of(
        inquiry.target,
        device,
        follows=not mistaken and not why,
        convention=_description(match, convention, reading, abilities),
        call=convention_words.call_words(convention),
        evidence=tuple(evidence),
        findings=tuple(inquiry.remarks),
        ambiguous=(*reading.ambiguous, *statement_evidence.ambiguities(match)),
        also=statement_evidence.also(match),
        error=error,
        longest_context=reading.longest,
        message=why or (APART if reading.apart else None),
        advice=(COMPARE,) if why and not mistaken else (),
    )
    return IdentificationResult(identification, None if reading.apart else convention)


def _no_rotation(inquiry: _Inquiry) -> IdentificationResult:
    """What is said of a function that takes a call and gives back something else than a rotation.

    If the call was only guessed, what it gave back is no finding about the function.
    """
    match, target, device = inquiry.match, inquiry.target, inquiry.device
    call = convention_words.call_words(match.convention)
    vague = match.reading.problem in ("no-convention", "not-rotated") or match.response.uneven
    if vague and not speaks_of_rotation(target.function, match.convention.arguments):
        message = f"{call} runs, and {match.defect_words or match.reading.words}"
        calls = unidentified_call.explanation(target.function, (message,))
        return without_convention(target, device, NOTHING, tried=calls)
    first = inquiry.remarks[0].message if inquiry.remarks else "does not return a rotation"
    message, findings = f"{call} runs, and {first}", tuple(inquiry.remarks)
    result = without_convention(target, device, message, call=call, findings=findings)
    return replace(result, convention=match.convention)


def _description(
    match: Match, convention: Convention, reading: AngleFindings, abilities: Capabilities
) -> Description:
    plain = convention_words.describe(convention)
    is_told_rotary_dim = "R" in map(role_of, convention.arguments)
    return structs.replace(
        plain,
        rotary_dim=None if is_told_rotary_dim else plain.rotary_dim,
        layout=None if any_layout(match) else plain.layout,
        unread=match.reading.unread or None,
        dtype_rule=abilities.dtype_rule,
        takes=abilities.takes,
        schedule=reading.schedule,
        theta=reading.theta,
        ways=statement_evidence.ways(match),
        amplitude=amplitude_beyond_rounding(match.reading.amplitude) if reading.positions else None,
    )


def _decide(
    target: Target, match: Match, result: IdentificationResult, contradiction: Contradiction | None
) -> IdentificationResult:
    """Leave only the mistakes that are beyond doubt.

    `match`: the call before it was refined by values. `contradiction`: with its docstring.
    """
    if contradiction and result.identification.follows:
        contradicting = _contradict(target, match, result, contradiction)
        if contradicting is not None:
            return contradicting
    convention = result.convention or match.convention
    description = result.identification.convention
    theta = (description.theta if description else None) or THETA
    plain = replace(convention, frequencies=(), theta=theta)
    alternatives = (alternative.convention for alternative in match.alternatives)
    conventions = dict.fromkeys((convention, plain, *alternatives))
    findings = (*result.identification.findings, *prints_and_warnings.of_call(match))
    identification = structs.replace(result.identification, findings=findings)
    decision = doubt.decide(target, match, identification, list(conventions))
    return replace(result, identification=decision)


def _contradict(
    target: Target, match: Match, result: IdentificationResult, contradiction: Contradiction
) -> IdentificationResult | None:
    """A function that is right, and not as its docstring says; None: that cannot be shown.

    Of a function that is handed tables their shape, or its docstring, may be meant otherwise.
    """
    mistake = contradiction.mistake
    promise = structs.replace(result.identification, findings=(mistake,))
    decision = doubt.decide(target, match, promise, [contradiction.convention])
    if decision.answer != "wrong":
        return None
    findings = decision.findings
    if match.convention.takes_tables:
        findings = tuple(
            structs.replace(finding, mistake=False, demonstration=None) for finding in findings
        )
    identification = structs.replace(
        decision, follows=False, findings=findings, message=mistake.message
    )
    return replace(result, identification=identification)
