"""What comes out of bfloat16: which dtype, how it was rounded, and whether that is right."""

from dataclasses import dataclass, replace

import torch

from rotcheck.identify.asking.function_under_test import (
    Fault,
    FunctionUnderTest,
    ValueTrial,
    try_values,
)
from rotcheck.implementations.triton_interpreter import interprets
from rotcheck.measure.case import USUAL, Case, Sizes
from rotcheck.measure.rounding_steps import ROUNDING_LIMIT, Measurement, against

MANY_ROWS = 300  # bfloat16 counts to 256
TABLES_ONCE = 0.85  # rounding steps that float32 inside can reach with tables in the dtype


@dataclass(frozen=True, slots=True)
class DtypeRule:
    """Which dtype comes out and which the function computes in."""

    words: str | None  # None: it refuses bfloat16
    evidence: str
    fault: Fault | None = None


def dtype_rule(function: FunctionUnderTest, sizes: Sizes = USUAL) -> DtypeRule:
    """The rule that a function follows, read off a call in bfloat16."""
    if interprets():
        reason = "the Triton interpreter truncates bfloat16 instead of rounding"
        return DtypeRule("not tried", reason)
    case = Case(function, torch.bfloat16, sizes)
    try:
        outputs = function(case.call())
    except Exception as error:  # any refusal is an answer
        return _of_refusal(function, sizes, error)
    dtype = outputs[0].dtype
    if dtype != torch.bfloat16:
        reason = f"bfloat16 goes in with tables in bfloat16, {str(dtype)[6:]} comes out"
        return DtypeRule(f"returns {str(dtype)[6:]}", reason)
    trial = ValueTrial(case, outputs, against(case, outputs, case.truth))
    return _of_bfloat16(function, sizes, trial)


def _of_bfloat16(function: FunctionUnderTest, sizes: Sizes, usual: ValueTrial) -> DtypeRule:
    """The rule of a function that returns bfloat16."""
    rule = f"keeps the dtype, {_precision(usual.measurement)}"
    trial = _of_many_rows(function, sizes) or usual
    error = trial.measurement
    evidence = (
        f"bfloat16: error {error.error:.2f} rounding steps, "
        f"{error.rounded_once:.0%} of the elements correctly rounded"
    )
    if not error.is_right:
        code, message = trial.explain()
        return DtypeRule(rule, evidence, (code, f"in bfloat16: {message}"))
    if function.convention.tables in ("positions", "complex"):
        return DtypeRule(rule, evidence)
    try:
        dtype = function(trial.case.call(dtype=torch.float32))[0].dtype
    except Exception as refusal:  # any refusal is an answer
        return DtypeRule(
            f"{rule}; tables must have the dtype",
            f"{evidence}; float32 tables: {type(refusal).__name__}",
        )
    if dtype != torch.bfloat16:
        rule = rule.replace("keeps the dtype,", "keeps the dtype of what is wider,")
    return DtypeRule(rule, f"{evidence}; with float32 tables {str(dtype)[6:]} comes out")


def _of_many_rows(function: FunctionUnderTest, sizes: Sizes) -> ValueTrial | None:
    """A wrong result of more rows than bfloat16 can count, if the function counts them itself.

    None too where that many rows are not right in float32 either: the dtype is not to blame, then.
    """
    convention = function.convention
    if convention.takes_tables or convention.positions not in ("from 0", "offset"):
        return None
    if function.device.type != "cpu" and function.on_cpu is None:
        return None  # more rows than its table has may end the process
    many = replace(sizes, positions=tuple(range(MANY_ROWS)))
    for place in (*function.cpu_first, function):
        trial = try_values(place, many)
        if trial is None or trial.measurement.error > ROUNDING_LIMIT:
            return None
    trial = try_values(function, many, dtype=torch.bfloat16)
    return None if trial is None or trial.measurement.is_right else trial


def _precision(error: Measurement) -> str:
    if error.error <= TABLES_ONCE and error.rounded_once > 0.55:
        return "computes in float32 and rounds once"
    return f"computes in {'the' if error.error <= ROUNDING_LIMIT else 'less than the'} dtype"


def _of_refusal(function: FunctionUnderTest, sizes: Sizes, error: Exception) -> DtypeRule:
    evidence = f"bfloat16 with tables in bfloat16 raises {type(error).__name__}"
    case = Case(function, torch.bfloat16, sizes)
    try:
        dtype = function(case.call(dtype=torch.float32))[0].dtype
    except Exception:  # float32 tables do not help: it refuses bfloat16
        return DtypeRule(None, evidence)
    return DtypeRule(f"wants float32 tables, returns {str(dtype)[6:]}", evidence)
