"""Functions of JAX and MLX are called with tensors, and judged as those of torch are."""

import sys
from pathlib import Path

import pytest
import torch
from identifying import told

from rotcheck.implementations import array_libraries
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.target import resolve

FILE = Path(__file__).with_name("functions_of_arrays.py")
RIGHT = {
    "apply_rotary": ("half", "half-width"),
    "make_rotary_tables": (None, "complex"),
    "mlx_rotary": ("half", "half-width"),
    "MlxRotary": ("interleaved", "positions"),
}
WRONG = {
    "apply_rotary_without_minus": "lanes 0 to 7 hold + sin where - sin belongs",
    "make_narrow_rotary_tables": "frequencies or angles are rounded",
    "mlx_rotary_without_minus": "lanes 0 to 7 hold + sin where - sin belongs",
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_one_is_identified(name: str) -> None:
    found = told(f"{FILE}:{name}")
    assert found.answer == "right"
    assert found.convention is not None
    assert (found.convention.pairing, found.convention.tables) == RIGHT[name]


@pytest.mark.parametrize("name", WRONG)
def test_a_slip_is_named_and_shown_by_code_that_converts_its_arrays(name: str) -> None:
    found = told(f"{FILE}:{name}")
    assert found.answer == "wrong"
    (one,) = [one for one in found.findings if one.mistake]
    assert WRONG[name] in one.message
    shown: dict[str, object] = {}
    exec(one.demonstration or "", shown)
    assert not torch.equal(shown["came"], shown["right"])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["apply_rotary", "mlx_rotary"])
def test_dtypes_stay_what_they_are_and_float64_is_refused(name: str) -> None:
    function = resolve(f"{FILE}:{name}").function
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        x = torch.linspace(-2, 2, 64).reshape(1, 4, 2, 8).to(dtype)  # (B, S, H, D)
        cos, sin = torch.zeros(1, 4, 1, 4, dtype=dtype), torch.ones(1, 4, 1, 4, dtype=dtype)
        assert torch.equal(function(x, cos, sin), torch.cat((-x[..., 4:], x[..., :4]), -1))
    with pytest.raises(TypeError, match="float32"):
        function(x.double(), cos.double(), sin.double())


def test_what_a_function_of_jax_rounds_inside_is_rounded_though_it_is_compiled() -> None:
    x = torch.linspace(-2, 2, 64)
    rounded = resolve(f"{FILE}:rounded_to_bfloat16").function
    assert torch.equal(rounded(x), x.bfloat16().float())


def test_an_object_of_jax_that_keeps_what_it_computed_can_be_called_again() -> None:
    keeps = resolve(f"{FILE}:KeepsTable").function
    for length in (4, 4, 6):
        x = torch.ones(2, length, 8)  # (B, S, D)
        assert torch.equal(keeps(x), keeps(x))


def test_a_function_of_torch_is_left_as_it_is() -> None:
    assert array_libraries.library_of(torch.nn.functional.relu) is None
    assert array_libraries.adapt(told) is told


@pytest.mark.parametrize(("library", "name"), [("jax", "JAX"), ("mlx", "MLX")])
def test_where_the_library_is_not_installed_that_is_said_and_nothing_is_wrong(
    library: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    file = tmp_path / "of_arrays.py"
    file.write_text(f"import {library}\n\n\ndef apply_rotary(x, cos, sin): ...\n")
    with pytest.raises(Unavailable, match=f"this is {name}: `pip install {library}`"):
        resolve(f"{file}:apply_rotary", "cpu")


def test_on_another_device_it_is_not_on_this_machine() -> None:
    with pytest.raises(Unavailable, match="computes in MLX"):
        resolve(f"{FILE}:mlx_rotary", "cuda:0")


TAKES_ROWS = """
import jax.numpy as jnp


def rows_of(table, positions):
    return jnp.take(table, positions, axis=0)
"""


def test_what_jax_fills_with_nan_outside_of_a_table_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    (tmp_path / "takes.py").write_text(TAKES_ROWS)
    rows_of = resolve(f"{tmp_path / 'takes.py'}:rows_of").function
    table = torch.ones(4, 2)
    assert rows_of(table, torch.tensor([3])).tolist() == [[1.0, 1.0]]
    with pytest.raises(IndexError, match="outside of a table"):
        rows_of(table, torch.tensor([4]))
    table[3] = torch.nan
    assert bool(rows_of(table, torch.tensor([3])).isnan().all())
