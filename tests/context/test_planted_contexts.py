"""Each condition finds the defect planted for it, and leaves what is healthy alone."""

import msgspec
import pytest
from trying import planted, rows, tried, verdicts

import rotcheck
import rotcheck.errors
from rotcheck.context.conditions import names
from rotcheck.results import Context

HEALTHY = (
    "precompute_freqs_cis", "exact_tables", "negative_tables", "Computed", "Guarded", "Growing", "Rotary", "Million",
    "factory", "seven_hundred",
)  # fmt: skip
WRONG = {  # object: condition, finding, failure, what the message says
    ("half_frequencies", "constructed"): (
        "phase-rounded",
        "N1",
        "right up to position 256, off by 1 rad at 257",
    ),
    ("late", "constructed"): ("offset", "N11", "position 0 is turned already"),
    ("turns_value", "constructed"): ("v-rotated", "N10", "rotates V"),
    ("Short", "constructed"): ("short-table", "R63", "it claims 8192 (max_position_embeddings)"),
    ("LlamaRotaryEmbedding", "half"): ("phase-cast", "N1", "right up to position 63"),
    ("LlamaRotaryEmbedding", "bfloat16"): ("phase-cast", "N1", "right up to position 23"),
    ("LlamaRotaryEmbedding", "to-bfloat16"): ("phase-cast", "N1", "right up to position 23"),
    ("LlamaRotaryEmbedding", "meta"): ("phase-meta", "N5", "NaN or infinite"),
    ("RopeInit", "meta"): ("phase-meta", "N5", "NaN or infinite"),
    ("ComplexBuffer", "to-bfloat16"): ("imaginary-dropped", "N6", "sin is lost"),
    ("ComplexBuffer", "to-float32"): ("imaginary-dropped", "N6", "sin is lost"),
    ("Product", "autocast"): ("phase-autocast", "N2", "right up to position 10"),
    ("Product", "matmul-high"): ("phase-tf32", "N3", "right up to position 63"),
    ("KeptProduct", "autocast"): (
        "spoilt-by-autocast",
        "R62",
        "later calls outside it return different values too",
    ),
    ("PositionsInDtype", "bfloat16"): (
        "phase-cast",
        "N1",
        "right up to position 256, off by 1 rad at 257",
    ),
    ("PositionsInDtype", "half"): (
        "phase-cast",
        "N1",
        "right up to position 2048, off by 1 rad at 2049",
    ),
    ("PositionsInDtype", "dtypes"): ("spoilt-by-dtype", "R62", "called in bfloat16 first"),
    ("MatchingCache", "dtypes"): ("spoilt-by-dtype", "R62", "differ by up to 0.002"),
    ("CachedByLength", "constructed"): (
        "spoilt-by-growing",
        "R61",
        "right when it is the first call",
    ),
    ("CachedByLength", "grown"): (
        "spoilt-by-growing",
        "R61",
        "asked for positions 100 to 107 after 0 to 7",
    ),
    ("Rescaled", "grown"): (
        "spoilt-by-growing",
        "R61",
        "the first 8 positions are off by up to 0.36 rad",
    ),
    ("Clamped", "beyond"): ("row-past-table", "R60", "turned as the last one (as position 511)"),
    ("Wrapped", "beyond"): ("row-past-table", "R60", "wrapped around (as position 3)"),
    ("Zeroed", "beyond"): ("row-past-table", "R60", "zeros"),
    ("Unrotated", "beyond"): ("positions-past-table", "F12", "unrotated (as position 0)"),
    ("UnrotatedRows", "beyond"): ("positions-past-table", "F12", "unrotated (as position 0)"),
}
ALL = (
    *HEALTHY,
    "LlamaRotaryEmbedding",
    "ComplexBuffer",
    "Product",
    "PositionsInDtype",
    "MatchingCache",
)
BEYOND = ("Clamped", "Wrapped", "Zeroed", "Unrotated", "UnrotatedRows", "Raising")
SOME = (
    "half_frequencies",
    "late",
    "turns_value",
    "Short",
    "RopeInit",
    "KeptProduct",
    "CachedByLength",
    "Rescaled",
)


@pytest.fixture(scope="module")
def found() -> Context:
    """What all objects were found to be, those with one defect under few conditions:
    it saves a minute."""
    parts = [
        tried(*ALL),
        tried(*BEYOND, conditions=("bfloat16", "grown", "beyond")),
        tried(*SOME, conditions=("half", "autocast", "meta", "grown")),
        tried("slow", conditions=("constructed",)),
    ]
    rows = tuple(row for part in parts for row in part.rows)
    makers = tuple(maker for part in parts for maker in part.makers)
    return msgspec.structs.replace(parts[0], rows=rows, makers=makers)


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_healthy_agrees_under_every_condition_that_applies(
    name: str, found: Context
) -> None:
    assert set(verdicts(found, name)) == set(names())
    assert set(verdicts(found, name).values()) <= {"agrees", "skipped"}
    assert verdicts(found, name)["constructed"] == "agrees"


@pytest.mark.parametrize(("name", "condition"), WRONG, ids=lambda each: each)
def test_a_planted_defect_is_found_and_named(name: str, condition: str, found: Context) -> None:
    row = rows(found, name)[condition]
    finding, failure, said = WRONG[name, condition]
    assert (row.finding, row.failure) == (finding, failure), row.message
    assert said in (row.message or "")
    assert row.cause
    assert row.fix


@pytest.mark.parametrize(
    ("name", "healthy"),
    [
        (
            "LlamaRotaryEmbedding",
            ("constructed", "to-float32", "autocast", "matmul-high", "grown", "dtypes", "beyond"),
        ),
        (
            "ComplexBuffer",
            ("constructed", "half", "bfloat16", "autocast", "matmul-high", "grown", "beyond"),
        ),
        (
            "Product",
            ("constructed", "half", "bfloat16", "to-bfloat16", "to-float32", "meta", "grown"),
        ),
        (
            "PositionsInDtype",
            ("constructed", "to-float32", "autocast", "matmul-high", "meta", "grown"),
        ),
        (
            "MatchingCache",
            ("constructed", "half", "bfloat16", "autocast", "matmul-high", "grown", "beyond"),
        ),
        ("Clamped", ("constructed", "bfloat16", "grown")),
    ],
)
def test_a_defect_is_found_where_it_is_and_nowhere_else(
    name: str, healthy: tuple[str, ...], found: Context
) -> None:
    told = verdicts(found, name)
    assert {condition: told[condition] for condition in healthy} == dict.fromkeys(healthy, "agrees")


def test_a_table_that_raises_beyond_its_end_agrees_and_what_raised_is_told(found: Context) -> None:
    row = rows(found, "Raising")["beyond"]
    assert row.verdict == "agrees"
    assert "positions 512, 515, 1029: raises IndexError" in (row.note or "")
    assert "position -1 is taken for the last one" in (row.note or "")


def test_the_first_wrong_position_is_exact(found: Context) -> None:
    row = rows(found, "half_frequencies")["constructed"]
    assert (row.right_to, row.wrong_at, row.exact) == (256, 257, True)


def test_the_loss_of_float32_is_told_and_no_finding(found: Context) -> None:
    row = rows(found, "Million")["constructed"]
    assert row.verdict == "agrees"
    assert 131071 < (row.right_to or 0) < 1048575
    assert "(N18)" in (row.note or "")


def test_exact_tables_are_right_as_far_as_they_go(found: Context) -> None:
    row = rows(found, "exact_tables")["constructed"]
    assert (row.right_to, row.wrong_at, row.asked_to) == (131071, None, 131071)
    assert max(phase.error or 0.0 for phase in row.phases) < 1e-6


def test_the_last_row_of_a_table_that_claims_nothing_is_found(found: Context) -> None:
    row = rows(found, "seven_hundred")["constructed"]
    assert (row.right_to, row.wrong_at, row.asked_to) == (699, None, 699)
    assert "it gives 700 rows and no more: IndexError: no such row" in (row.note or "")


def test_what_takes_long_is_asked_for_fewer_rows_and_says_so(found: Context) -> None:
    row = rows(found, "slow")["constructed"]
    assert row.asked_to == 8
    assert "258 rows would take more than 3 s" in (row.note or "")


def test_positions_are_asked_for_one_by_one_up_to_a_million_where_they_can_be(
    found: Context,
) -> None:
    row = rows(found, "Computed")["constructed"]
    hard = {1, 2, 3, 257, 1000, 2049, 4097, 8191, 16385, 32767, 65537, 131071, 1048575}
    assert {phase.position for phase in row.phases} >= hard


def test_a_method_that_mends_what_to_empty_left_is_named(found: Context) -> None:
    healed, needs = rows(found, "Guarded")["meta"], rows(found, "RopeInit")["meta"]
    assert (healed.verdict, needs.verdict) == ("agrees", "disagrees")
    assert "reset_parameters()" in (healed.note or "")
    assert "rope_init() repairs it" in (needs.note or "")


def test_what_is_emulated_says_so(found: Context) -> None:
    assert [
        row.condition
        for row in found.rows
        if row.emulated and row.implementation.endswith(":Product")
    ] == ["matmul-high"]


def test_a_condition_that_does_not_apply_is_skipped_with_its_reason(found: Context) -> None:
    told = rows(found, "precompute_freqs_cis")
    skipped = {
        condition: row.message or "" for condition, row in told.items() if row.verdict == "skipped"
    }
    assert set(skipped) == {
        "half",
        "bfloat16",
        "to-bfloat16",
        "to-float32",
        "meta",
        "dtypes",
        "beyond",
    }
    assert "not a torch.nn.Module" in skipped["half"]
    assert "claims no length" in skipped["beyond"]


def test_what_is_wrong_as_constructed_is_not_blamed_on_what_was_done(found: Context) -> None:
    told = rows(found, "CachedByLength")
    assert {told[name].failure for name in ("half", "autocast", "meta")} == {"R61"}


def test_the_objects_say_what_they_are(found: Context) -> None:
    made = {maker.implementation.partition(":")[2]: maker for maker in found.makers}
    llama = made["LlamaRotaryEmbedding"]
    assert (llama.kind, llama.call, llama.claims) == ("builds", "f(x, positions)", 8192)
    assert llama.claimed_by == "max_position_embeddings"
    assert (made["Growing"].kind, made["Growing"].claims) == ("both", None)
    assert made["factory"].claims == 1024
    assert "500000" in (made["precompute_freqs_cis"].schedule or "")


def test_a_crash_and_a_hang_cost_their_own_rows_alone() -> None:
    found = tried(
        "Crashing", "Hanging", "Stubborn", conditions=("half", "bfloat16", "autocast"), timeout=10.0
    )
    assert verdicts(found, "Crashing") == {
        "constructed": "agrees", "half": "agrees", "bfloat16": "crashes", "autocast": "agrees",
    }  # fmt: skip
    assert verdicts(found, "Hanging")["half"] == "hangs"
    assert verdicts(found, "Hanging")["bfloat16"] == "agrees"
    assert rows(found, "Stubborn")["half"].message == "RuntimeError: not implemented for 'Half'"


def test_what_makes_no_angles_is_skipped() -> None:
    found = tried("apply_tables", conditions=("half",))
    assert set(verdicts(found, "apply_tables").values()) == {"skipped"}
    assert "`rotcheck compare` judges it" in (found.rows[0].message or "")


def test_a_condition_that_is_none_is_refused() -> None:
    with pytest.raises(
        rotcheck.errors.RequestError,
        match=r"unknown condition 'melted'; did you mean 'meta'\? Known: constructed, half",
    ):
        rotcheck.context(planted("Computed"), conditions=["melted"])
