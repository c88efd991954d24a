"""A kernel that autograd does not see is for inference:
a note, where a function declares nothing, and no mistake."""

from pathlib import Path

import kernels_for_inference
import kernels_to_train
import pytest
import torch
from msgspec import to_builtins

from rotcheck.declaration import declare
from rotcheck.identify.asking.gradients import FOR_INFERENCE
from rotcheck.identify.front_identity import Identity
from rotcheck.identify.function_identification import identify
from rotcheck.identify.worker_setup import setup_of
from rotcheck.implementations.target import resolve
from rotcheck.measure.subject_opening import open_subject
from rotcheck.results import Cell
from rotcheck.testing import assert_rotates

CHECKS = ["convention", "backward", "inputs", "beyond"]
KERNELS = ("in_place", "in_a_copy", "in_new_memory")
UNTRAINED = {
    "detached": "the result carries no gradient",
    "by_data": "writes its result into its input behind autograd's back",
    "beside_its_input": "writes its result into its input behind autograd's back",
}


def judged(function: object) -> dict[str, Cell]:
    found = assert_rotates(function, dtypes=["float32"], checks=CHECKS)  # type: ignore[arg-type]
    return {cell.check: cell for cell in found}


@pytest.mark.parametrize("name", KERNELS)
def test_that_no_gradient_flows_through_a_kernel_is_said_and_is_no_mistake(name: str) -> None:
    cells = judged(getattr(kernels_for_inference, name))
    assert (cells["convention"].verdict, cells["convention"].note) == ("agrees", FOR_INFERENCE)
    assert (cells["backward"].verdict, cells["backward"].message) == ("skipped", FOR_INFERENCE)
    assert "does not check positions" in (cells["beyond"].note or "")


@pytest.mark.parametrize("name", UNTRAINED)
def test_what_torch_computes_behind_autograds_back_is_a_mistake(name: str) -> None:
    with pytest.raises(AssertionError) as caught:
        judged(getattr(kernels_for_inference, name))
    assert UNTRAINED[name] in " ".join(str(caught.value).split())


@pytest.mark.parametrize("name", ["unmarked", "left_aside"])
def test_a_kernel_in_a_file_with_an_autograd_function_must_train(name: str) -> None:
    with pytest.raises(AssertionError, match="backward"):
        judged(getattr(kernels_to_train, name))


def test_rows_past_the_tables_are_a_finding_of_torchs_own_operations() -> None:
    with pytest.raises(AssertionError, match="9 rows with tables of 7 rows"):
        judged(kernels_for_inference.in_torch)
    assert assert_rotates(
        kernels_for_inference.in_torch, dtypes=["float32"], checks=["backward", "inputs"]
    )


def test_a_kernel_that_declares_its_convention_is_held_to_it() -> None:
    said = {"pairing": "half", "layout": "bshd", "tables": "half-width", "in_place": True}
    with pytest.raises(AssertionError) as caught:
        judged(declare(**said)(kernels_for_inference.in_place))
    words = " ".join(str(caught.value).split())
    assert "behind autograd's back" in words
    assert "9 rows with tables of 7 rows" in words


def test_train_and_bench_leave_out_the_gradient_of_such_a_kernel() -> None:
    name = f"{Path(kernels_for_inference.__file__)}:in_place"
    found = identify(resolve(name, "cpu"), torch.device("cpu"))
    setup = setup_of(Identity(found.identification, to_builtins(found.convention)))
    subject = open_subject({**setup, "implementation": name, "device": "cpu"})
    assert subject.no_gradient == FOR_INFERENCE
    assert subject.target.skip("cpu", "float32") is None
