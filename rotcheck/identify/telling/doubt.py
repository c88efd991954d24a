"""Is a mistake beyond doubt? All mistakes pass through here before they are reported.

A mistake is reported as one if there is evidence for the role of every argument, the result depends
on the input, and a demonstration shows it. What is in doubt becomes a remark about what was seen,
and the answer is `unknown`.
"""

from collections.abc import Sequence

from msgspec import structs

from rotcheck.convention import Convention
from rotcheck.identify.asking import earlier_calls, idle_arguments, padding_mask
from rotcheck.identify.calling import role_evidence
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.remarks import remark, settle
from rotcheck.identify.showing.function_source import source_of
from rotcheck.identify.telling import call_doubts
from rotcheck.identify.telling.declaration_line import declaration
from rotcheck.identify.telling.mistake_demonstration import demonstrate
from rotcheck.implementations.target import Target
from rotcheck.results import Identification


def decide(
    target: Target, match: Match, identification: Identification, conventions: Sequence[Convention]
) -> Identification:
    """An identification with the mistakes that are beyond doubt.

    `conventions`: the calls in which a mistake may show;
    first the one by which the function is judged.
    """
    names = role_evidence.arguments_without_evidence(
        match.caller.function, match.convention.arguments
    )
    mask = padding_mask.must_move(match)
    idle_names = idle_arguments.idle_arguments(match, [*names, *([mask] if mask else [])])
    idle_names += idle_arguments.unread_ranks(match.caller.function)
    if identification.answer != "wrong":
        return _with_idle(identification, idle_names, match)
    doubts = call_doubts.of_call(match, [name for name in names if name not in idle_names])
    findings = []
    for finding in identification.findings:
        calls = (
            call_doubts.of_known_batch(conventions, target)
            if finding.code == "per-batch"
            else conventions
        )
        reasons = doubts or call_doubts.of_mistake(finding, match, target)
        demonstration = (
            None if reasons or not finding.mistake else demonstrate(target, match, finding, calls)
        )
        if finding.code == "one-row" and not reasons and demonstration is None:
            # a function loaded anew turns one row correctly: this one keeps state of an earlier
            # call
            continue
        findings.append(
            settle(finding, reasons, demonstration, runs_anywhere=":" in target.specification)
        )
    if not doubts and not any(finding.mistake for finding in findings):
        earlier = earlier_calls.of_earlier_call(
            source_of(target), conventions, match.caller.probe.width
        )
        if earlier:
            findings = [
                settle(
                    earlier, (), earlier.demonstration, runs_anywhere=":" in target.specification
                )
            ]
    decision = structs.replace(identification, findings=tuple(findings))
    if any(finding.mistake for finding in identification.findings) and not findings:
        decision = structs.replace(decision, follows=identification.message is None)
    elif decision.answer != "wrong":
        advice = f"declare above the function what it takes: {declaration(match, names)}"
        decision = in_doubt(identification, decision, advice)
    return _with_idle(decision, idle_names, match)


def in_doubt(before: Identification, decision: Identification, advice: str) -> Identification:
    """The decision if no mistake is beyond doubt:
    the first of them is the reason why it is not understood."""
    first = next(now for was, now in zip(before.findings, decision.findings) if was.mistake)
    reason = decision.message or first.message
    return structs.replace(
        decision, follows=False, message=reason, advice=(*decision.advice, advice)
    )


def _with_idle(
    identification: Identification, names: Sequence[str], match: Match
) -> Identification:
    if not names:
        return identification
    counts = match.convention.positions == "from 0"
    effects = (
        {padding_mask.mask_of(match): "a padded row turns as if it began with its padding"}
        if counts
        else {}
    )
    remarks = [
        remark(
            "idle-argument",
            f"`{name}` changes nothing: {effects.get(name, 'the result is the same whatever is handed over')}",
            "the same call with other values, and with a mask of padding",
            mistake=False,
        )
        for name in names
    ]
    advice = f"give `{names[0]}` an effect, or take it away"
    return structs.replace(
        identification,
        follows=False,
        findings=(*identification.findings, *remarks),
        message=identification.message or remarks[0].message,
        advice=(*identification.advice, advice),
    )
