"""A remark: a mistake, or a choice that others do not make, with its evidence and cause; and one that is in doubt."""

from collections.abc import Sequence

from msgspec import structs

from rotcheck import diagnose
from rotcheck.results import Remark

UNSHOWN = "no call of a few lines shows it"


def remark(code: str, message: str, evidence: str, *, mistake: bool = True) -> Remark:
    """A finding with the cause and fix that are known for it."""
    return Remark(
        code=code,
        message=message,
        evidence=evidence,
        mistake=mistake,
        **diagnose.fields_of(diagnose.for_finding(code)),
    )


def settle(
    finding: Remark, doubts: Sequence[str], demonstration: str | None, *, runs_anywhere: bool = True
) -> Remark:
    """A finding as a mistake with its demonstration, or as a remark on what was seen.

    `runs_anywhere`: others can run the demonstration."""
    if not finding.mistake:
        return finding
    if demonstration is not None:
        return structs.replace(finding, demonstration=demonstration if runs_anywhere else None)
    why = doubts[0] if doubts else UNSHOWN
    return structs.replace(
        finding, mistake=False, message=f"seen, and in doubt: {finding.message} ({why})"
    )
