"""A role of an argument, said once: the names it goes by, its value in a call,
and how it is written as code."""

import pytest
import torch

from rotcheck.convention import ROLES, Convention, role_named
from rotcheck.convention.calls import Call, arguments, results, sizes_of
from rotcheck.convention.roles import JOINED, NUMBERS, of_group, roles_by_name

COS, SIN = torch.full((4, 3), 0.6), torch.full((4, 3), 0.8)
Q, K, V = (torch.full((2, 4, 5, 8), float(value)) for value in (1, 2, 3))
SIZES = {"B": 2, "S": 4, "H": 5, "D": 8, "R": 6, "axis": 1}


def value(role: str, **fields: object) -> object:
    """The value of an argument in a call of q with cos and sin."""
    convention = Convention("half", "bshd", "half-width", arguments=("x", role), rotary_dim=6)
    call = Call((Q,), (COS, SIN), sizes=SIZES, **fields)
    return arguments(convention, call)[0][1]


def test_each_tensor_goes_where_the_convention_says_and_keywords_by_name() -> None:
    roles = ("k", "q", "v", "tables=(cos, sin)", "True")
    convention = Convention("half", "bshd", "half-width", arguments=roles)
    positional, keyword = arguments(convention, Call((Q, K, V), (COS, SIN)))
    assert [x is y for x, y in zip(positional, (K, Q, V, True), strict=True)] == [True] * 4
    assert keyword["tables"] == (COS, SIN)


@pytest.mark.parametrize(
    ("role", "shape"),
    [
        ("cos+sin", (4, 6)),
        ("cos|sin", (4, 6)),
        ("[cos, sin]", (2, 4, 3)),
        ("cos/sin", (4, 2, 3)),
        ("sin/cos", (4, 2, 3)),
        ("sin+cos", (4, 6)),
    ],
)
def test_tables_that_go_in_as_one_come_apart_by_their_code(
    role: str, shape: tuple[int, ...]
) -> None:
    joined = value(role)
    assert joined.shape == shape
    join = role_named(role).join
    assert join is not None
    code = join.unpacking.format("joined")
    first, second = eval(code, {"joined": joined})
    expected = (SIN, COS) if role.startswith("sin") else (COS, SIN)
    assert torch.equal(first, expected[0])
    assert torch.equal(second, expected[1])


@pytest.mark.parametrize("role", JOINED[1:])
def test_tables_that_go_in_as_one_are_put_together_by_their_code(role: str) -> None:
    code = role_named(role).code
    assert torch.equal(eval(code, {"torch": torch, "cos": COS, "sin": SIN}), value(role))


@pytest.mark.parametrize("role", ["S", "D", "R", "H", "B", "axis", "rows", "inv_freq", "mask"])
def test_a_number_is_written_as_what_it_is_worth(role: str) -> None:
    shown = eval(ROLES[role].code.format(**SIZES), {"torch": torch})
    expected = value(role)
    if isinstance(expected, torch.Tensor):
        torch.testing.assert_close(shown, expected)
    else:
        assert shown == expected


def test_an_offset_of_each_batch_row() -> None:
    assert value("offset", offset=3) == 3
    assert value("offsets", offset=3).tolist() == [3, 3]
    assert value("offsets", offset=(3, 7)).tolist() == [3, 7]


def test_sequences_that_come_one_after_another_and_rows_that_are_padded() -> None:
    assert value("cu_seqlens").tolist() == [0, 4]
    assert value("cu_seqlens", starts=(0, 3)).tolist() == [0, 3, 4]
    assert value("mask", padding=2).tolist() == [[0, 0, 1, 1], [1, 1, 1, 1]]
    assert value("sections") == [3, 0, 0]


def test_a_constant_is_what_python_makes_of_it_and_anything_else_is_refused() -> None:
    assert value("'bshd'") == "bshd"
    assert value("10000.0") == 10000.0
    with pytest.raises(ValueError, match="malformed"):
        value("nonsense")


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("query_states", ("q", "x")),
        ("q_len", ("S",)),
        ("cos_sin_cache", (*JOINED, "table")),
        ("position_embeddings", (*JOINED, "table")),
        ("freqs_cis", ("table", *JOINED)),
        ("freqs", ("table", *JOINED, "inv_freq")),
        ("inv_freq", ("inv_freq", "table")),
        ("start_pos", ("offset", "offsets", "positions", "rows")),
        ("cu_seqlens_q", ("cu_seqlens",)),
        ("wibble", ()),
    ],
)
def test_what_a_name_says(name: str, roles: tuple[str, ...]) -> None:
    assert roles_by_name(name) == roles


def test_the_numbers_that_an_int_may_be_the_likeliest_first() -> None:
    assert NUMBERS == ("S", "D", "R", "H", "B", "offset", "axis")


def test_every_role_but_a_table_alone_has_code_that_needs_known_sizes_only() -> None:
    facts = {**SIZES, "first": "0", "firsts": "0, 0", "bounds": [0, 4], "sections": [3, 0, 0]}
    for role in ROLES.values():
        assert role.code.format(**facts)


@pytest.mark.parametrize("role", [*JOINED, "cos", "sin"])
def test_cos_for_sin(role: str) -> None:
    exchanged = role_named(role_named(role).sin_for_cos)
    assert exchanged.sin_for_cos == role
    assert exchanged.group == "table"
    assert role_named("'cos'").sin_for_cos == "'cos'"


def test_groups() -> None:
    assert set(of_group("tensor")) == {"q", "k", "v", "x", "qkv"}
    assert of_group("place") == ("positions", "offset", "offsets")
    assert [role_named(name).free for name in ("S", "mask", "7", "offset", "cos")] == [
        *(True, True, True),
        *(False, False),
    ]


def test_the_sizes_of_a_call_say_which_axis_is_the_sequence() -> None:
    sizes = sizes_of(Convention("half", "sbhd", "half-width"), 2, 4, 5, 8, 6)
    assert sizes == SIZES | {"axis": 0}


def test_what_came_back_as_far_as_it_is_for_what_went_in() -> None:
    assert results(None, [Q], in_place=True) == (Q,)
    assert results({"a": Q, "b": K}, [Q], in_place=False) == (Q,)
    assert results(torch.Size([2]), [Q], in_place=False) == (torch.Size([2]),)
