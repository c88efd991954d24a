"""A form of tables, said once: made, read back, widened,
and converted by the code that its entry gives."""

import pytest
import torch

from rotcheck.convention import FORMS, ORDERS, TableForm, once
from rotcheck.convention.table_forms import with_slots

ANGLES = torch.linspace(0.05, 1.5, 12, dtype=torch.float64).view(1, 4, 3)  # (B, S, P)
PAIRINGS = ["half", "interleaved"]
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())


def of_angles(form: TableForm, pairing: str = "half") -> tuple[torch.Tensor, ...]:
    return form.make(pairing, ANGLES, torch.float64)


@every_form
def test_its_tensors_are_as_many_as_its_roles_and_end_in_its_tail(form: TableForm) -> None:
    tables = of_angles(form)
    assert len(tables) == len(form.roles)
    lanes = 6 if form.repeats else 3
    assert tables[0].shape[-1 - len(form.tail) :] == (lanes, *form.tail)


@every_form
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_what_is_made_is_read_back(form: TableForm, pairing: str) -> None:
    cos, sin = form.read(of_angles(form, pairing))
    if form.has_slots:
        cos, sin = cos[:, :, 0], sin[:, :, 0]
    order = pairing if form.repeats else None
    torch.testing.assert_close(once(cos, order), ANGLES.cos(), atol=1e-15, rtol=0)
    torch.testing.assert_close(once(sin, order), ANGLES.sin(), atol=1e-15, rtol=0)


@every_form
def test_its_code_makes_of_angles_what_it_makes(form: TableForm) -> None:
    angles = ORDERS["half"].twice.format("angles") if form.repeats else "angles"
    for code, table in zip(form.of_angles.values(), of_angles(form), strict=True):
        shown = eval(
            code.format("a"),
            {"torch": torch, "a": eval(angles, {"torch": torch, "angles": ANGLES})},
        )
        torch.testing.assert_close(shown, table.to(shown.dtype), atol=1e-7, rtol=0)


@every_form
def test_its_code_turns_it_the_other_way_round(form: TableForm) -> None:
    space = {"torch": torch} | dict(zip(form.variables, of_angles(form), strict=True))
    exec("\n".join(form.inverse), space)
    negative = form.make("half", -ANGLES, torch.float64)
    for name, table in zip(form.variables, negative, strict=True):
        shown = space[name]
        if form.has_slots and name == "sin":
            shown, table = shown[:, :, :2], table[:, :, :2]
        torch.testing.assert_close(shown.resolve_conj(), table, atol=1e-15, rtol=0)


@pytest.mark.parametrize(
    "form", [form for form in FORMS.values() if form.to_pair], ids=lambda form: form.name
)
def test_its_code_goes_to_cos_and_sin_and_back(form: TableForm) -> None:
    tables = of_angles(form)
    space = {"torch": torch} | dict(zip(form.variables, tables, strict=True))
    exec(f"{form.to_pair}\n{form.from_pair}", space)
    torch.testing.assert_close(space[form.variables[0]], tables[0], atol=1e-15, rtol=0)


def test_a_tensor_fits_one_form_at_most() -> None:
    lone = {
        name: form
        for name, form in FORMS.items()
        if len(form.roles) == 1 and not form.angular and not form.exchanged
    }
    for name, form in lone.items():
        (table,) = of_angles(form)
        assert [other for other in lone if lone[other].fits(table)] == [name]


@pytest.mark.parametrize(
    ("name", "table", "words"),
    [
        ("complex", torch.zeros(4, 3), "complex tables have a complex dtype, not torch.float32"),
        ("stacked", torch.zeros(4, 3), "stacked tables end in an axis of 2, not of 3"),
        ("matrix", torch.zeros(4, 3), r"end in two axes of 2, not in \(4, 3\)"),
        ("angles", torch.zeros(4, 3, dtype=torch.int64), "for integers say form='positions'"),
    ],
)
def test_tensors_of_another_kind_are_refused(name: str, table: torch.Tensor, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        FORMS[name].read((table,))


def test_angles_have_float32_at_least_and_complex_tables_a_dtype_that_exists() -> None:
    assert FORMS["angles"].dtype(torch.bfloat16) == torch.float32
    assert FORMS["complex"].dtype(torch.float16) == torch.complex64
    assert FORMS["complex"].dtype(torch.float64) == torch.complex128
    assert FORMS["repeated"].dtype(torch.bfloat16) == torch.bfloat16


def test_the_slot_of_v_turns_nothing() -> None:
    table = torch.full((1, 4, 6), 0.5)
    assert with_slots(table, 0)[0, 0].tolist() == [[0.5] * 6, [0.5] * 6, [1.0] * 6]
    assert with_slots(table, 1)[0, 0].tolist() == [[0.5] * 6, [0.5] * 6, [0.0] * 6]
