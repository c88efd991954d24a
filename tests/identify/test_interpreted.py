"""A Triton kernel is identified under the interpreter,
and one that writes outside of its tensor is found."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from rotcheck.errors import RequestError
from rotcheck.identify import worker_device
from rotcheck.identify.run import identify_all
from rotcheck.report.pages import identification

FILE = Path(__file__).parent / "functions_triton.py"


def test_a_kernel_is_identified_and_one_without_its_mask_is_found() -> None:
    names = [f"{FILE}:masked_rope", f"{FILE}:unmasked_rope"]
    right, wrong = identify_all(names, timeout=300)  # on the CPU, where Triton finds no GPU
    assert {right.device, wrong.device} == {"interpreter"}
    assert ("device", "CPU tensors, under the Triton interpreter", "") in identification.lines(
        right
    )
    assert (
        right.advice[-1]
        .partition("  ")[0]
        .endswith("functions_triton.py:masked_rope --device interpreter")
    )
    assert right.answer == "right", (right.message, right.findings)
    assert right.convention is not None
    assert (right.convention.pairing, right.convention.layout) == ("half", "thd")
    assert next(one.code for one in wrong.findings if one.mistake) == "writes-outside"


TUNED = """
import sys
from rotcheck.implementations.triton_interpreter import interpret
interpret()
import torch
from rotcheck.implementations.target import resolve

x, cos, sin = torch.randn(3, 2, 6), torch.randn(3, 3), torch.randn(3, 3)
tuned, once = (
    resolve(f"{sys.argv[1]}:{name}", "interpreter").function(x.clone(), cos, sin)
    for name in ("tuned_rope", "masked_rope")
)
assert torch.equal(tuned, once) and not torch.equal(tuned, x)
"""


def test_a_kernel_with_several_configurations_takes_the_first_without_a_gpu() -> None:
    subprocess.run([sys.executable, "-c", TUNED, FILE], check=True)


@pytest.mark.parametrize("package", ["triton", "numpy"])
def test_without_what_the_interpreter_needs_it_is_not_on_this_machine(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else find(name)
    )
    with pytest.raises(
        RequestError, match=f"not on this machine: the Triton interpreter needs {package} "
    ):
        worker_device.settle("interpreter")
