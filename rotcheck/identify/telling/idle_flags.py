"""A flag that says which lanes are paired, or asks for the rotation back, and changes nothing."""

from dataclasses import replace

from msgspec import structs

from rotcheck.convention import Convention, Pairing
from rotcheck.identify.asking import flags
from rotcheck.identify.asking.flags import FlaggedCall
from rotcheck.identify.identification_result import IdentificationResult
from rotcheck.identify.remarks import remark
from rotcheck.identify.showing.attempts import attempts
from rotcheck.identify.showing.function_source import source_of
from rotcheck.identify.showing.value_demonstration import of_value
from rotcheck.results import Identification, Remark

OTHER_PAIRING: dict[Pairing, Pairing] = {"half": "interleaved", "interleaved": "half"}
FIELDS = ("pairing", "direction", "output_lanes", "tables")
WIDTH, HEADS = 64, 3


def mistakes(
    plain: IdentificationResult, call: FlaggedCall, identification: Identification
) -> list[Remark]:
    """What is wrong with a flag: a mistake that comes with it, or that it changes nothing.

    `plain`: the function without it. `identification`: the function with it.
    """
    remarks = flags.mistakes(call, identification)
    convention = plain.convention
    if convention is None or not _same_convention(plain.identification, identification):
        return remarks
    if flags.chooses_pairing(call.flag):
        pairing = OTHER_PAIRING[convention.pairing]
        intent = replace(convention, pairing=pairing, table_lanes=None)
        return remarks + _idle(call, intent, f"it turns {convention.pairing} pairs as well")
    if flags.asks_for_inverse(call.flag):
        intent = replace(convention, direction=-convention.direction)
        return remarks + _idle(call, intent, "it turns by the same angle, and not back")
    return remarks


def _same_convention(plain: Identification, with_flag: Identification) -> bool:
    """Whether a function follows the same convention with a flag as without it."""
    if plain.convention is None or with_flag.convention is None or not with_flag.follows:
        return False
    return all(
        getattr(plain.convention, field) == getattr(with_flag.convention, field) for field in FIELDS
    )


def _idle(call: FlaggedCall, intent: Convention, instead: str) -> list[Remark]:
    """The mistake, if the result that is meant does not come; `instead`: what it does, in words."""
    tries = attempts([replace(intent, arguments=call.arguments)], WIDTH, HEADS)
    snippet = of_value(source_of(call.target()), tries)
    if snippet is None:
        return []
    name = call.flag.partition("=")[0]
    words = f"the flag {name} changes nothing: with {call.flag} {instead}"
    finding = remark("idle-flag", words, f"the same call with {call.flag}")
    return [structs.replace(finding, demonstration=snippet)]
