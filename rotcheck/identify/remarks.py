"""A remark: a mistake, or a choice that others do not make, with its evidence and cause."""

from rotcheck import diagnose
from rotcheck.results import Remark


def remark(code: str, message: str, evidence: str, *, mistake: bool = True) -> Remark:
    """A finding with the cause and fix that are known for it."""
    return Remark(
        code=code,
        message=message,
        evidence=evidence,
        mistake=mistake,
        **diagnose.fields_of(diagnose.for_finding(code)),
    )
