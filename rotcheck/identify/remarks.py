"""A remark: a mistake, or a choice that others do not make, with its evidence and cause;
and one that is in doubt."""

from collections.abc import Sequence
from typing import Literal

from msgspec import structs

from rotcheck import diagnose
from rotcheck.results import Remark

UNSHOWN = "no call of a few lines shows it"


Aspect = Literal[
    "bfloat16", "by data", "exchanged", "last lanes", "row by row", "time", "height", "width"
]
"""What a doubt or a demonstration must know of a mistake beside its code."""


class Observation(Remark, frozen=True, kw_only=True):
    """A mistake that was seen, until it is settled."""

    aspect: Aspect


def remark(
    code: str,
    message: str,
    evidence: str,
    *,
    mistake: bool = True,
    aspect: Aspect | None = None,
) -> Remark:
    """A finding with the cause and fix that are known for it."""
    finding = Remark(
        code=code,
        message=message,
        evidence=evidence,
        mistake=mistake,
        **diagnose.fields_of(diagnose.for_finding(code)),
    )
    return Observation(**structs.asdict(finding), aspect=aspect) if aspect else finding


def aspect_of(finding: Remark) -> Aspect | None:
    """What must be known of a mistake beside its code; None: nothing."""
    return finding.aspect if isinstance(finding, Observation) else None


def plain(finding: Remark) -> Remark:
    """A finding as it is reported."""
    if not isinstance(finding, Observation):
        return finding
    return Remark(**{name: getattr(finding, name) for name in Remark.__struct_fields__})


def settle(
    finding: Remark, doubts: Sequence[str], demonstration: str | None, *, runs_anywhere: bool = True
) -> Remark:
    """A finding as a mistake with its demonstration, or as a remark on what was seen.

    `runs_anywhere`: others can run the demonstration."""
    finding = plain(finding)
    if not finding.mistake:
        return finding
    if demonstration is not None:
        return structs.replace(finding, demonstration=demonstration if runs_anywhere else None)
    why = doubts[0] if doubts else UNSHOWN
    return structs.replace(
        finding, mistake=False, message=f"seen, and in doubt: {finding.message} ({why})"
    )
