"""What else a function does, once its call is known: memory, training, dtypes, inputs."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from rotcheck.identify.asking import gradients
from rotcheck.identify.asking.accepted_inputs import accepted_inputs, takes_narrower_tables
from rotcheck.identify.asking.bfloat16_rule import dtype_rule
from rotcheck.identify.asking.function_under_test import FunctionUnderTest
from rotcheck.identify.asking.input_memory import writes
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Sizes
from rotcheck.results import FieldEvidence, Remark


@dataclass(slots=True)
class Capabilities:
    """What a function does beside rotating right in float32."""

    in_place: bool = False
    dtype_rule: str | None = None
    takes: dict[str, bool] = field(default_factory=dict)
    takes_narrower_tables: bool = False
    remarks: list[Remark] = field(default_factory=list)
    bfloat16_remarks: list[Remark] = field(default_factory=list)  # if nothing is wrong in float32
    evidence: list[FieldEvidence] = field(default_factory=list)


def capabilities(
    function: FunctionUnderTest,
    sizes: Sizes,
    *,
    with_values: bool = True,
    fresh: Callable[..., Any] | None = None,
) -> Capabilities:
    """Ask for memory, and of a function whose values can be judged for dtypes and what it takes.

    `fresh`: the same function, not called yet: a table that it keeps from a call in float32 would
    serve bfloat16 too.
    """
    result = Capabilities()
    if not _add_memory(result, function, sizes, with_values=with_values) or not with_values:
        return result
    convention = replace(function.convention, in_place=result.in_place)
    function = replace(function, convention=convention)
    _add_dtype_rule(result, replace(function, function=fresh or function.function), sizes)
    result.takes, refusals = accepted_inputs(function, sizes)
    result.evidence += [
        FieldEvidence(field="takes", says=f"not {name}", because=refusal)
        for name, refusal in refusals.items()
    ]
    result.takes_narrower_tables = takes_narrower_tables(function, sizes)
    if convention.takes_tables:
        result.takes["narrower tables"] = result.takes_narrower_tables
    return result


def _add_memory(
    result: Capabilities, function: FunctionUnderTest, sizes: Sizes, *, with_values: bool
) -> bool:
    """Add what a function writes into its input, and its gradient; False: it takes no such call."""
    evidence = "compared with copies, bit by bit"
    try:
        result.in_place, fault = writes(function, sizes)
    except Exception:  # it was said already that it takes no such call
        return False
    if fault:
        result.remarks.append(remark(*fault, f"inputs and tables {evidence}"))
    elif with_values:
        result.remarks += gradients.of_training(function, sizes, in_place=result.in_place)
    answer = "yes" if result.in_place else "no"
    result.evidence.append(
        FieldEvidence(field="in_place", says=answer, because=f"its input {evidence}")
    )
    return True


def _add_dtype_rule(result: Capabilities, function: FunctionUnderTest, sizes: Sizes) -> None:
    rule = dtype_rule(function, sizes)
    result.dtype_rule = rule.words
    if rule.fault:
        result.bfloat16_remarks = [remark(*rule.fault, rule.evidence, aspect="bfloat16")]
    statement = rule.words or "refuses bfloat16"
    result.evidence.append(FieldEvidence(field="dtype_rule", says=statement, because=rule.evidence))
