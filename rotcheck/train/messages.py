"""Figures and verdicts of a training run, in words."""

from rotcheck.identify.front_identity import Identity
from rotcheck.results import Step


def percent(share: float) -> str:
    """A share in percent with two significant digits: 38 %, 0.00006 %."""
    if not share <= 1e6:
        return "NaN"
    return f"{float(f'{100 * share:.2g}'):.10f}".rstrip("0").rstrip(".") + " %"


def wrong(step: Step) -> str:
    """What is wrong with the gradient of a step."""
    if step.gradient_error is None or not step.gradient_error < float("inf"):
        return f"the gradient has NaN or infinite elements at step {step.number}"
    return (
        f"at step {step.number} the gradient is {percent(step.gradient_error)} off the float64 one, "
        f"where rounding explains {percent(step.rounding or 0.0)}; "
        f"most in {step.tensor}, {percent(step.tensor_error or 0.0)}"
    )


def inconclusive(step: Step, *, keeps_rotation: bool) -> str:
    """Why nothing can be concluded in this dtype."""
    step_alone = "moving its weights by one rounding step"
    reference = step_alone if keeps_rotation else "a right rotation that rounds once"
    return (
        f"no verdict: at step {step.number} {reference} gives a gradient "
        f"{percent(step.rounding or 0.0)} off the float64 one; "
        "the model draws random numbers in its dtype, or overflows it"
    )


def convention_note(answer: Identity) -> str:
    """What `identify` found a function to do, and how it is called."""
    convention = answer.convention or {}
    backwards = " by minus the angle" if convention.get("direction") == -1 else ""
    pairing = f"{convention.get('pairing')} pairing{backwards}"
    return f"identified: it rotates in {pairing}, called as {answer.call_text}"
