"""Kernels for the GPU are called as their packages publish it, tried on stand-ins of these calls.

That says nothing of the kernels themselves: only that the convention and the call fit each other,
so that a wrong cell on a GPU is the kernel's.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from expected import ELSEWHERE

from rotcheck.compare.checks import names
from rotcheck.compare.worker import open_implementation
from rotcheck.implementations import third_party
from rotcheck.implementations.target import registered_convention
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.judge import judge

FAKES = Path(__file__).parent / "fakes"
# its kernel takes too much of a stand-in
TRIED = tuple(name for name in ELSEWHERE if name != "xformers")
POSITIONS_ONLY = "flashinfer-pos-ids"
TRAINS = ("apex", "transformer-engine", "unsloth")
NARROW = ("flashinfer", POSITIONS_ONLY, "sgl-kernel")  # no kernel for float32
ANY = ("unsloth",)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(FAKES)
    monkeypatch.setattr(third_party, "for_cuda", lambda device: None)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FAKES)):
            del sys.modules[name]


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("name", TRIED)
def test_a_kernel_is_called_as_its_package_publishes_it(name: str) -> None:
    answer = open_implementation({"implementation": name, "device": "cpu", "outputs": False})
    convention = registered_convention(name)
    assert convention is not None
    for dtype in ("float16", "bfloat16") if name in NARROW else ("float32", "bfloat16"):
        for check in names("quick"):
            found = msgspec.convert(answer([dtype, check]), Evidence)
            skipped = (check == "backward" and name not in TRAINS) or (
                check == "beyond" and name == POSITIONS_ONLY
            )
            skipped |= check == "batch" and "b" not in convention.axes
            assert judge(found) == ("skipped" if skipped else "agrees"), (dtype, check, found)


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("name", TRIED)
def test_a_dtype_that_the_kernel_is_not_compiled_for_is_skipped_and_accuses_nobody(
    name: str,
) -> None:
    answer = open_implementation({"implementation": name, "device": "cpu", "outputs": False})
    found = {
        dtype: msgspec.convert(answer([dtype, "forward"]), Evidence)
        for dtype in ("float32", "float64")
    }
    skipped = {"float32"} if name in NARROW else set()
    assert {dtype for dtype in found if judge(found[dtype]) == "skipped"} == skipped | (
        set() if name in ANY else {"float64"}
    )
    for dtype in skipped:
        assert found[dtype].message == "its kernel is compiled for float16 and bfloat16 alone"
