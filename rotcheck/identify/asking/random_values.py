"""Random values at hard positions: how far from float64 is the result, and what is wrong?"""

from rotcheck.errors import first_line
from rotcheck.identify.asking.function_under_test import FunctionUnderTest, judge
from rotcheck.identify.remarks import remark
from rotcheck.measure.case import Sizes
from rotcheck.results import Remark


def of_values(function: FunctionUnderTest, sizes: Sizes) -> tuple[float | None, list[Remark]]:
    """The error in rounding steps of float32, None: it raises, and what is wrong with values."""
    try:
        error, fault = judge(function, sizes)
    except Exception as refusal:  # it takes the probe's call and not this one
        message = f"raises {type(refusal).__name__} for other sizes: {first_line(refusal)[:160]}"
        return None, [remark("raised", message, "a call with random values")]
    evidence = f"random values, hard positions: error {error.error:.2f} rounding steps of float32"
    return error.error, [remark(*fault, evidence)] if fault else []
