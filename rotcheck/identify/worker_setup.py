"""What a worker is told of a function that was identified, and why one is not to be run."""

from typing import Any

import msgspec

from rotcheck.identify.front_identity import Identity
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.results import INFERENCE, Identification, Remark, mistakes

MAKER = (
    "it makes tables and rotates nothing: `rotcheck context SPEC` measures how far they are right, "
    "`rotcheck check FILE` judges a whole file"
)
DECLARE = (
    'declare how it is called, in the line above it, for instance: `@rotcheck.declare(pairing="half", '
    'layout="bshd", tables="repeated", arguments=("q", "k", "cos", "sin"))`'
)


def setup_of(identity: Identity | None) -> dict[str, Any]:
    """What a worker is told of a function: the convention by which to call it,
    or what it answers instead.

    A function whose identification died may still declare how it is called, which shows only when
    it is loaded: `unidentified` is what to answer if it does not.
    """
    if identity is None:
        return {}
    reason = _reason_to_skip(identity)
    if reason:
        return {"instead": msgspec.to_builtins(Evidence(state="skipped", message=reason))}
    if identity.identification.answer == "unknown":
        message = why(identity.identification)
        evidence = Evidence(state="unidentified", message=message, advice=advice(identity))
        key = "unidentified" if may_declare(identity) else "instead"
        return {key: msgspec.to_builtins(evidence)}
    return {
        "convention": identity.convention,
        "called": identity.call_text,
        "declares": identity.identification.declared,
        "no_gradient": no_gradient(identity.identification),
    }


def may_declare(identity: Identity) -> bool:
    """Whether a function that was not understood may still declare its convention:
    nothing of it was seen."""
    return identity.silent and not identity.no_object and not identity.lacks_package


def no_gradient(identification: Identification) -> str | None:
    """Why no gradient flows, by design, of a function that declares nothing."""
    design = [remark.message for remark in identification.findings if remark.code == INFERENCE]
    return design[0] if design and not identification.declared else None


def makes_tables(identification: Identification) -> bool:
    """Whether a function makes tables and rotates nothing."""
    return identification.convention is not None and identification.convention.kind == "builds"


def _reason_to_skip(identity: Identity) -> str | None:
    """Why a function that is understood is not run."""
    identification = identity.identification
    if makes_tables(identification):
        return MAKER
    if identification.answer == "unknown" or identity.convention is not None:
        return None
    reason = identification.message or mistakes_text(identification)
    return f"there is nothing to compare its values with: {reason}"


def why(identification: Identification) -> str:
    """Why a function was not identified."""
    return identification.message or "no call that was tried returned a rotation"


def advice(identity: Identity) -> str:
    """What to do so that a function can be judged."""
    return "; ".join(identity.identification.advice) or DECLARE


def mistakes_text(identification: Identification) -> str:
    """The mistakes of a function; of all but the first, whose cause and fix are shown,
    with where to read on."""
    return "; ".join(
        remark.message + (_pointer(remark) if index else "")
        for index, remark in enumerate(mistakes(identification))
    )


def _pointer(remark: Remark) -> str:
    return f" (rotcheck explain {remark.failure})" if remark.failure else ""
