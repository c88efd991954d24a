"""One call that is tried: what it returned, or in words what it raised."""

import warnings

from rotcheck.convention import Convention
from rotcheck.errors import first_line
from rotcheck.identify.calling.argument_roles import Template
from rotcheck.identify.calling.refusals import Refusals
from rotcheck.identify.reading.caller import Caller, Sample, UnfitCall


def try_call(caller: Caller, convention: Convention, refusals: Refusals) -> Sample | None:
    """Call with random values; None, and a refusal more,
    where the function does not take the call."""
    inputs = caller.random(convention)
    call = call_text(convention.arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of calls that do not suit it
            outputs = caller.call(convention, inputs)
    except UnfitCall as error:
        refusals.take(convention)
        refusals.say(f"{call} {error}")
        return None
    except Exception as error:  # whatever the function raises at a call that does not suit it
        refusals.learn(convention, error, caller.probe.width)
        refusals.say(exception_words(call, error))
        return None
    refusals.take(convention)
    return Sample(convention, tuple(inputs), outputs)


def call_text(template: Template) -> str:
    """A call as `f(q, k, cos, sin)`."""
    return f"f({', '.join(template)})"


def exception_words(call: str, error: Exception) -> str:
    """What a call raised, in a line."""
    return f"{call} raises {type(error).__name__}: {first_line(error)[:160]}"
