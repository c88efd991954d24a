"""What the Triton interpreter rounds otherwise than a GPU is not asked of a function of
a file with kernels."""

import sys
from types import FunctionType, ModuleType

import pytest
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations import triton_interpreter
from rotcheck.implementations.target import Target


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return x


def _in_a_file_with_kernels() -> FunctionType:
    return FunctionType(rotate.__code__, {**globals(), "triton": ModuleType("triton")}, "rotate")


@pytest.mark.parametrize(
    ("function", "dtype", "skipped"),
    [
        (_in_a_file_with_kernels(), "bfloat16", True),
        (_in_a_file_with_kernels(), "float32", False),
        (rotate, "bfloat16", False),
    ],
)
def test_bfloat16_is_not_asked_of_kernels_that_are_interpreted(
    monkeypatch: pytest.MonkeyPatch, function: FunctionType, dtype: str, skipped: bool
) -> None:
    one = Target(function, Convention("half", "bshd", "repeated"))
    assert one.skip("cpu", dtype) is None
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setitem(sys.modules, "triton", ModuleType("triton"))
    assert (one.skip("cpu", dtype) == triton_interpreter.BFLOAT16) is skipped
