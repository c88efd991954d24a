"""A convention: what follows from its fields, and its description as plain data."""

import msgspec
import pytest

from rotcheck.convention import FORMS, LAYOUTS, Convention
from rotcheck.convention.table_forms import NO_TABLES
from rotcheck.identify.reading.convention_words import COMMON_FIELDS, describe, table_words
from rotcheck.implementations.declarations import convention_of

COMPUTED = Convention("half", "bhsd", "positions", positions="any")


def test_one_that_computes_its_angles_has_no_tables_and_answers_every_question_about_them() -> None:
    assert COMPUTED.form is NO_TABLES
    assert not COMPUTED.takes_tables
    assert COMPUTED.all_table_axes == ""
    assert COMPUTED.repeated_lanes is None
    assert COMPUTED.called_with == ("x", "positions")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_call_is_given_the_tensor_and_the_tables_of_the_form(form: object) -> None:
    convention = Convention("half", "qkv", form.name, takes_offset=True)
    assert convention.called_with == ("qkv", *form.roles, "offset=offset")
    assert convention.all_table_axes == form.axes
    assert convention.repeated_lanes == ("half" if form.repeats else None)


def test_tables_may_repeat_in_another_order_than_the_pairs_lie() -> None:
    convention = Convention("half", "bshd", "repeated", table_lanes="interleaved")
    assert convention.repeated_lanes == "interleaved"
    assert table_words(convention) == "repeated (S, 1, D), each value twice"


@pytest.mark.parametrize(
    ("arguments", "slots"),
    [
        (("q", "k", "cos", "sin"), ("q", "k")),
        (("qkv", "cos", "sin"), ("q", "k", "v")),
        (("x",), ("q",)),
    ],
)
def test_the_slots_of_a_call(arguments: tuple[str, ...], slots: tuple[str, ...]) -> None:
    assert Convention("half", "bshd", "repeated", arguments=arguments).slots == slots


def test_a_description_copies_what_both_have_and_leaves_out_what_does_not_apply() -> None:
    assert {"pairing", "layout", "tables", "rotary_dim", "positions", "in_place"} <= set(
        COMMON_FIELDS
    )
    description = describe(COMPUTED)
    assert description.kind == "both"
    assert description.theta == 10000.0
    assert (description.table_axes, description.sections, description.rotates_v) == (None,) * 3
    assert describe(Convention("half", "bshd", "complex")).theta is None


def test_a_description_holds_against_its_schema() -> None:
    convention = Convention(
        "interleaved", "thd", "repeated", ways=(("", "sw"),), choices=(("layout", ("thd",)),)
    )
    description = describe(convention)
    assert (
        msgspec.json.decode(msgspec.json.encode(description), type=type(description)) == description
    )


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"layout": "dshb"}, "unknown layout 'dshb'; known are bshd, bhsd"),
        ({"tables": "wide"}, "unknown tables 'wide'; known are repeated, half-width"),
    ],
)
def test_a_layout_or_form_that_no_entry_has_is_refused(
    statement: dict[str, str], words: str
) -> None:
    with pytest.raises(Exception, match=words):
        convention_of(statement, "pyproject.toml")
    assert set(LAYOUTS) >= {"bshd", "bhsd"}
