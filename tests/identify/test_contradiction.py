"""What an object says of its frequencies and does not do is not understood, and said;
it accuses nobody."""

import pytest
from identifying import told

from rotcheck.context.angle_recognition import recognise
from rotcheck.implementations.target import resolve

SAYS = {
    "ThetaOfItsOwn": "it says rope_theta 500000, and its frequencies are those of theta 10000",
    "HalfTheExponent": "it says base 10000, and its frequencies are those of theta 100: as if each exponent",
    "half_the_exponent": "it says theta 10000, and its frequencies are those of theta 100",
    "AllLanes": "its configuration says head_dim 96 and partial_rotary_factor 0.5, so that 48 lanes turn, and 96 do",
    "WidthOfAllHeads": "so that 48 lanes turn, and 32 do",
    "NotInterpolated": "it says Linear(factor=4.0, theta=10000.0), and its frequencies are those of Plain",
    "OfYarnForTheLongest": "it says Yarn(factor=4.0, original_length=8192, theta=10000.0), and its",
    "AlwaysShort": "it has a long_factor for sequences of more than 1024 positions",
}
HEALTHY = (
    "Configured",
    "WithABase",
    "ScaledBase",
    "Interpolated",
    "OfYarn",
    "ShortAndLong",
    "as_its_default_says",
)


@pytest.mark.parametrize("name", SAYS)
def test_a_contradiction_is_named_and_accuses_nobody(name: str) -> None:
    one = told(f"functions_contradicting:{name}")
    assert one.answer == "unknown"
    assert SAYS[name] in (one.message or "")
    assert not [finding.code for finding in one.findings if finding.mistake]


@pytest.mark.parametrize("name", HEALTHY)
def test_what_does_as_it_says_is_right(name: str) -> None:
    one = told(f"functions_contradicting:{name}")
    assert (one.answer, one.message) == ("right", None)


@pytest.mark.parametrize("name", ["WidthOfAllHeads", "AlwaysShort"])
def test_context_says_it_too(name: str) -> None:
    known = recognise(resolve(f"functions_contradicting:{name}", "cpu"), "cpu")
    assert SAYS[name] in (known.doubt or "")
