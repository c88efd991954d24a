"""Training runs: right rotations pass, wrong ones do not although their loss falls,
and nobody takes others along."""

import pytest
from training_runs import HERE, RIGHT, WRONG, Courses, courses

from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.results import Training
from rotcheck.train.rounding_limits import LIMIT, times_rounding, worst
from rotcheck.train.run import train

DTYPES = ["float32", "bfloat16"]
KERNELS = {"flash-attn", "flash-attn-qkv"}
# times rounding: what was planted stands far off
AT_LEAST = {"float32": 100, "bfloat16": 2 * LIMIT}


def test_every_registered_implementation_agrees_or_says_why_it_did_not_run(
    registered: Training,
) -> None:
    assert [each.implementation for each in registered.courses] == registry.names() * len(DTYPES)
    for course in registered.courses:
        assert course.verdict == (
            "unavailable" if course.implementation in KERNELS else "agrees"
        ), course.message
        assert (course.wrong_at, course.parts_at, course.cells) == (None, None, None)
        if course.steps:
            assert len(course.steps) == registered.planned == 5
            assert times_rounding(worst(course.steps)) < LIMIT / 1.5


def test_the_references_run_in_float64_and_in_each_dtype(registered: Training) -> None:
    names = [(each.name, each.dtype, len(each.losses)) for each in registered.references]
    assert names == [
        ("float64", "float64", 5),
        ("rounded once", "float32", 5),
        ("rounded once", "bfloat16", 5),
    ]


def test_the_interleaved_pairing_is_a_convention_and_the_model_the_same(
    registered: Training,
) -> None:
    found = courses(registered)
    losses = [
        [step.loss for step in found[name, "float32"].steps] for name in ("native", "interleaved")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_rotation_with_other_arithmetic_agrees(
    name: str, dtype: str, right: Courses
) -> None:
    assert right[name, dtype].verdict == "agrees", right[name, dtype].message


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rotation_is_found_although_its_loss_falls(
    name: str, dtype: str, wrong: Courses
) -> None:
    course = wrong[name, dtype]
    first, *_, last = course.steps
    assert len(course.steps) == 5
    assert last.loss < first.loss
    # there they are what the dtype asks for
    if (name, dtype) == ("tables_in_bfloat16", "bfloat16"):
        assert course.verdict == "agrees"
        return
    assert course.verdict == "disagrees"
    assert course.wrong_at == 1
    assert times_rounding(worst(course.steps)) > AT_LEAST[dtype]


EXPLAINED = {  # function: a check that explains it, and the id of the failure
    "v_rotated": ("inputs", None),
    "tables_in_bfloat16": ("forward", "R6"),
    "not_at_all": ("forward", None),
    "backward_not_inverse": ("backward", "R16"),
    "k_detached": ("backward", "R16"),
    "detached": ("backward", "R17"),
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_the_cell_of_the_matrix_explains_it(name: str, wrong: Courses) -> None:
    check, failure = EXPLAINED[name]
    cells = {cell.check: cell for cell in wrong[name, "float32"].cells}
    assert cells[check].verdict == "disagrees"
    assert failure is None or cells[check].failure == failure
    assert {cell.dtype for cell in cells.values()} == {"float32"}


def test_a_gradient_can_be_wrong_while_the_first_loss_is_right(wrong: Courses) -> None:
    course = wrong["backward_not_inverse", "float32"]
    assert (course.wrong_at, course.parts_at) == (1, 2)


def test_in_bfloat16_the_loss_hides_what_the_gradient_shows(wrong: Courses) -> None:
    course = wrong["k_one_position_late", "bfloat16"]
    assert (course.verdict, course.parts_at) == ("disagrees", None)


def test_the_healthy_neighbour_is_untouched(wrong: Courses, hostile: Courses) -> None:
    for name, among in (("native", wrong), ("native", hostile), ("complex", hostile)):
        assert among[name, "float32"].verdict == "agrees"


STOPS = {  # function: the verdict, the steps that were taken, what it says
    "raises": ("raises", 0, "step 1: ValueError: no rotation today"),
    "raises_late": ("raises", 1, "step 2: ValueError: no rotation any more"),
    "dies_late": ("crashes", 1, "step 2: the process was killed by SIGABRT"),
    "hangs_late": ("hangs", 1, "step 2: no answer within 5 s"),
    "nan_late": ("disagrees", 2, "the gradient has NaN or infinite elements at step 2"),
    "wrong_shape": ("disagrees", 0, "step 1: returned shape (6, 56, 4, 16)"),
}


@pytest.mark.parametrize("name", STOPS)
def test_what_does_not_come_back_keeps_the_steps_that_it_took(name: str, hostile: Courses) -> None:
    course = hostile[name, "float32"]
    verdict, steps, said = STOPS[name]
    assert (course.verdict, len(course.steps)) == (verdict, steps)
    assert course.message.startswith(said)
    assert (course.cells is None) == (verdict == "hangs")
    assert not any(frame.startswith("rotcheck/") for frame in course.trace)


def test_two_runs_are_the_same_bit_for_bit(registered: Training, wrong: Courses) -> None:
    before = courses(registered)
    for key in ((name, dtype) for name in ("native", "complex") for dtype in DTYPES):
        assert len(wrong[key].steps) == 5
        assert wrong[key] == before[key]


def test_another_seed_gives_other_weights_and_data(
    registered: Training, of_another_seed: Training
) -> None:
    assert of_another_seed.references[0].losses[0] != registered.references[0].losses[0]


def test_the_users_sequences_are_what_is_trained_on(tmp_path) -> None:
    (tmp_path / "mine.fasta").write_text(">a\nMKVLAA\n>b\nMKWW\n")
    found = train(["native"], devices=["cpu"], steps=1, fasta=str(tmp_path / "mine.fasta"))
    assert (found.sequences, found.courses[0].verdict) == (2, "agrees")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"implementations": ["nativ"]}, "did you mean 'native'"),
        ({"devices": ["meta"]}, "tensors without values"),
        ({"dtypes": ["float64"]}, "the reference for the other dtypes"),
        ({"dtypes": ["float"]}, "unknown dtype 'float'"),
        ({"steps": 0}, "--steps must be between 1 and 10000, not 0"),
        ({"seed": -1}, "--seed must be between 0"),
        ({"fasta": "no-such-file"}, "cannot be read"),
        ({"model": "nothing"}, "names no factory"),
        ({"model": "no_such_file.py:factory"}, "there is no file"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_runs(asked: dict, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        train(**asked)


MODELS = f"{HERE}/models.py"


def test_the_users_model_is_trained_with_each_implementation() -> None:
    asked = ["native", "interleaved", f"{HERE}/wrong.py:sign_of_k"]
    found = train(asked, devices=["cpu"], dtypes=DTYPES, steps=3, model=f"{MODELS}:factory")
    assert found.model == "models.py:factory"
    for dtype in DTYPES:
        verdicts = [each.verdict for each in found.courses if each.dtype == dtype]
        assert verdicts == ["agrees", "agrees", "disagrees"]


def test_a_model_with_its_own_rotation_is_one_run_beside_its_float64_twin() -> None:
    found = train(devices=["cpu"], dtypes=DTYPES, steps=3, model=f"{MODELS}:own")
    assert [(each.implementation, each.verdict) for each in found.courses] == [
        ("models.py:own", "agrees")
    ] * 2


def test_a_model_that_computes_in_lower_precision_than_its_dtype_shows_in_float32() -> None:
    (course,) = train(devices=["cpu"], steps=1, model=f"{MODELS}:own_under_autocast").courses
    assert (course.verdict, course.wrong_at, course.cells) == ("disagrees", 1, None)
    assert times_rounding(worst(course.steps)) > 100


def test_a_model_that_draws_random_numbers_in_its_dtype_is_not_judged() -> None:
    (course,) = train(["native"], devices=["cpu"], steps=1, model=f"{MODELS}:Random").courses
    assert course.verdict == "skipped"
    assert "draws random numbers in its dtype" in course.message


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("fails", "KeyError: 'configuration' while it was built"),
        ("Vector", "must return the scalar loss, not a tensor of shape \\(6, 56, 48\\)"),
        ("Breaks", "in float64 on the CPU: ValueError: no such layer"),
        ("needs_two", "needs rotation, configuration; it is called as factory\\(rotary\\)"),
    ],
)
def test_a_model_of_another_form_is_a_request_that_cannot_be_carried_out(
    factory: str, said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        train(["native"], devices=["cpu"], steps=1, model=f"{MODELS}:{factory}")


def test_no_implementation_can_be_put_into_a_model_that_takes_none() -> None:
    with pytest.raises(RequestError, match="no implementation can be plugged into it"):
        train(["native"], devices=["cpu"], steps=1, model=f"{MODELS}:own")


@pytest.mark.slow
def test_the_real_kernel_trains_under_the_interpreter() -> None:
    found = train(["flash-attn-qkv", "native"], devices=["interpreter"], steps=2, timeout=120)
    kernel, plain = found.courses
    assert (kernel.verdict, kernel.stand_in, len(kernel.steps)) == ("agrees", True, 2)
    assert (plain.verdict, plain.message[:23]) == ("skipped", "it has no Triton kernel")
