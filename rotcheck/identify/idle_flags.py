"""A flag that says which lanes are paired, and changes nothing."""

from dataclasses import replace

from msgspec.structs import replace as with_fields

from rotcheck.identify import demonstration
from rotcheck.identify.describe import Identified
from rotcheck.identify.doubt import source_of
from rotcheck.identify.flags import Turning
from rotcheck.identify.flags import of_pairing as chooses_pairing
from rotcheck.identify.remarks import remark
from rotcheck.results import Identification, Remark
from rotcheck.rotary.conventions import Convention, Pairing

OTHER: dict[Pairing, Pairing] = {"half": "interleaved", "interleaved": "half"}
WIDTH, HEADS = 64, 3


def of_pairing(made: Identified, turning: Turning, told: Identification) -> list[Remark]:
    """Return the mistake that a function pairs the same lanes whatever such a flag says, with what shows it."""
    own, convention = made.told.convention, made.convention
    if convention is None or told.convention is None or own is None or not told.follows:
        return []
    if not chooses_pairing(turning.flag) or told.convention.pairing != own.pairing:
        return []
    if told.convention.output_lanes != own.output_lanes or told.convention.tables != own.tables:
        return []
    shown = _demonstration(turning, convention)
    if shown is None:
        return []
    name = turning.flag.partition("=")[0]
    words = f"the flag {name} changes nothing: with {turning.flag} it turns {own.pairing} pairs as well"
    return [
        with_fields(remark("idle-flag", words, f"the same call with {turning.flag}"), demonstration=shown)
    ]


def _demonstration(turning: Turning, convention: Convention) -> str | None:
    asked = replace(
        convention, pairing=OTHER[convention.pairing], arguments=turning.arguments, table_lanes=None
    )
    return demonstration.of_value(source_of(turning.of()), demonstration.attempts([asked], WIDTH, HEADS))
