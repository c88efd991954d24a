"""A Triton kernel is identified under the interpreter, and one that writes outside of its tensor is found."""

from pathlib import Path

from rotcheck.identify.run import identify_all

FILE = Path(__file__).parent / "functions_triton.py"


def test_a_kernel_is_identified_and_one_without_its_mask_is_found() -> None:
    names = [f"{FILE}:masked_rope", f"{FILE}:unmasked_rope"]
    right, wrong = identify_all(names, device="interpreter", timeout=300)
    assert right.answer == "right", (right.message, right.findings)
    assert right.convention is not None
    assert (right.convention.pairing, right.convention.layout) == ("half", "thd")
    assert next(one.code for one in wrong.findings if one.mistake) == "writes-outside"
