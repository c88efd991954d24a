"""A flag that says which lanes are paired, or asks for the rotation back, and changes nothing."""

from dataclasses import replace

from msgspec.structs import replace as with_fields

from rotcheck.convention import Convention, Pairing
from rotcheck.identify.asking import flags
from rotcheck.identify.asking.flags import Turning
from rotcheck.identify.asking.flags import of_inverse as asks_for_inverse
from rotcheck.identify.asking.flags import of_pairing as chooses_pairing
from rotcheck.identify.identified_function import IdentifiedFunction
from rotcheck.identify.remarks import remark
from rotcheck.identify.telling import demonstration
from rotcheck.identify.telling.doubt import source_of
from rotcheck.results import Identification, Remark

OTHER: dict[Pairing, Pairing] = {"half": "interleaved", "interleaved": "half"}
WIDTH, HEADS = 64, 3


def mistakes(made: IdentifiedFunction, turning: Turning, told: Identification) -> list[Remark]:
    """Return what is wrong with a flag: what the function does with it, or that it changes nothing and should."""
    wrong = flags.mistakes(turning, told)
    return wrong + (of_pairing(made, turning, told) or of_inverse(made, turning, told))


def of_pairing(made: IdentifiedFunction, turning: Turning, told: Identification) -> list[Remark]:
    """Return the mistake that a function pairs the same lanes whatever such a flag says, with what shows it."""
    convention = made.convention
    if convention is None or not _alike(made, told) or not chooses_pairing(turning.flag):
        return []
    asked = replace(convention, pairing=OTHER[convention.pairing], table_lanes=None)
    return _idle(turning, asked, f"it turns {convention.pairing} pairs as well")


def of_inverse(made: IdentifiedFunction, turning: Turning, told: Identification) -> list[Remark]:
    """Return the mistake that a function turns by the same angle when it is asked for the rotation back."""
    convention = made.convention
    if convention is None or not _alike(made, told) or not asks_for_inverse(turning.flag):
        return []
    asked = replace(convention, direction=-convention.direction)
    return _idle(turning, asked, "it turns by the same angle, and not back")


def _alike(made: IdentifiedFunction, told: Identification) -> bool:
    """Return whether a function follows the same convention with a flag as without it."""
    own, other = made.identification.convention, told.convention
    if own is None or other is None or not told.follows:
        return False
    fields = ("pairing", "direction", "output_lanes", "tables")
    return all(getattr(own, field) == getattr(other, field) for field in fields)


def _idle(turning: Turning, asked: Convention, instead: str) -> list[Remark]:
    """Return the mistake, where the result that is asked for does not come; `instead`: what it does, in words."""
    asked = replace(asked, arguments=turning.arguments)
    shown = demonstration.of_value(
        source_of(turning.of()), demonstration.attempts([asked], WIDTH, HEADS)
    )
    if shown is None:
        return []
    words = (
        f"the flag {turning.flag.partition('=')[0]} changes nothing: with {turning.flag} {instead}"
    )
    return [
        with_fields(
            remark("idle-flag", words, f"the same call with {turning.flag}"), demonstration=shown
        )
    ]
