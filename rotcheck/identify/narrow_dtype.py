"""What a class of JAX does in its own default dtype, where that is narrow and it was identified in float32."""

from dataclasses import replace

from msgspec import structs

from rotcheck.identify import demonstration, doubt
from rotcheck.identify.demonstration import Attempt
from rotcheck.identify.engine import Found
from rotcheck.identify.frequencies import turned, wrapped
from rotcheck.identify.remarks import remark
from rotcheck.identify.response import Trier
from rotcheck.implementations.load import Target
from rotcheck.measure.case import Sizes
from rotcheck.results import Identification, Told
from rotcheck.rotary.conventions import Convention

PLAIN = 0.3  # radians: what is as far off shows in any value
RIGHT = 1e-2  # radians: cos and sin that are rounded to bfloat16 are off by less than half of that


def judged(target: Target, found: Found, told: Identification, convention: Convention) -> Identification:
    """Return what is told of a function that makes its own angles, with what its default dtype does to them.

    `convention`: by which it rotates. Phases are held against those of the same object built in float32.
    """
    if target.narrow is None or not told.follows or convention.tables != "positions":
        return told
    built = target.narrow()
    trier = Trier(built.function, found.trier.device, found.trier.probe, found.trier.dtype)
    exact, _ = turned(found)
    seen, _ = turned(replace(found, trier=trier, others=()))
    errors = {at: float(wrapped(seen[at] - exact[at]).abs().max()) for at in sorted(seen) if at in exact}
    wrong = next((at for at, error in errors.items() if error > RIGHT), None)
    if wrong is None:
        words = f"right up to position {max(errors)} as {built.built}, whose dtype is narrow"
        because = f"its phase is at most {max(errors.values()):.1e} rad off what it is in float32"
        return structs.replace(
            told, evidence=(*told.evidence, Told(field="context", says=words, because=because))
        )
    return _mistaken(built, told, convention, errors, wrong)


def _mistaken(
    built: Target, told: Identification, convention: Convention, errors: dict[int, float], wrong: int
) -> Identification:
    last = max((at for at in errors if at < wrong), default=0)
    worse = max(errors, key=lambda at: errors[at])
    words = (
        f"built as {built.built}, it rounds positions, frequencies or angles to a narrow dtype: "
        f"at position {wrong} its phase is {errors[wrong]:.2g} rad off"
    )
    seen = f"right up to position {last}; in float32 it is right; {errors[worse]:.2g} rad at position {worse}"
    width = convention.head_dim or 64
    plain = [at for at in errors if errors[at] > PLAIN] or [wrong]
    tries = [Attempt(convention, Sizes(2, 2, 2, width, (0, at))) for at in plain]
    shown = demonstration.of_value(doubt.source_of(built), tries)
    one = doubt.settled(remark("phase", words, seen), [], shown)
    return structs.replace(told, follows=False, findings=(*told.findings, one), longest_context=last)
