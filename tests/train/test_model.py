"""The miniature: its shapes, its loss against brute force,
its gradient against finite differences."""

import math

import pytest
import torch
from torch import Tensor

from rotcheck.train import miniature, rotation
from rotcheck.train.batches import BATCH, LENGTH, Batch, batches
from rotcheck.train.loss import rate_weighted_mean, score_entropy
from rotcheck.train.model_builder import ModelBuilder
from rotcheck.train.sequences import VOCABULARY, package_sequences, tokens

CPU = torch.device("cpu")
F64 = torch.float64


def batch(steps: int = 1) -> list[Batch]:
    return batches(package_sequences(), steps, 0)


def small_model(dtype: torch.dtype = F64) -> torch.nn.Module:
    return ModelBuilder(None, 0).module(
        rotation.truth if dtype == F64 else rotation.yardstick, CPU, dtype
    )


def inputs() -> tuple[Tensor, Tensor]:
    data = batch()[0]
    return torch.tensor([tokens(text) for text in data.noisy]), torch.tensor(data.sigma, dtype=F64)


def test_all_sizes_differ() -> None:
    sizes = (
        BATCH,
        LENGTH,
        3,
        miniature.HEADS,
        miniature.HEAD_DIM,
        VOCABULARY,
        miniature.WIDTH,
        miniature.CONDITION,
    )
    assert len(set(sizes)) == len(sizes)


def test_the_scores_have_one_value_for_each_token_and_that_of_staying_is_one() -> None:
    indices, sigma = inputs()
    scores = small_model()(indices, sigma)
    assert scores.shape == (BATCH, LENGTH, VOCABULARY)
    assert torch.all(scores.gather(-1, indices[..., None]) == 0)


def test_the_seam_gets_packed_qkv_in_every_block() -> None:
    seen = []

    def seam(qkv: Tensor) -> Tensor:
        seen.append(tuple(qkv.shape))
        return qkv

    ModelBuilder(None, 0).module(seam, CPU, F64)(*inputs())
    assert seen == [(BATCH, LENGTH, 3, miniature.HEADS, miniature.HEAD_DIM)] * miniature.BLOCKS


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_dtype_starts_from_the_same_weights(dtype: torch.dtype) -> None:
    for exact, rounded in zip(
        small_model().parameters(), small_model(dtype).parameters(), strict=True
    ):
        assert torch.equal(exact, rounded.double())


def test_the_weights_do_not_depend_on_what_was_drawn_before() -> None:
    first = [p.clone() for p in small_model().parameters()]
    torch.rand(7)
    assert all(map(torch.equal, first, small_model().parameters()))


def test_with_gates_at_zero_as_sedd_begins_no_gradient_reaches_qkv_for_two_steps() -> None:
    recipe, module = ModelBuilder(None, 0), small_model()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "adaLN" in name or name.startswith("output_layer.linear"):
                parameter.zero_()
    reached = []
    for data in batch(3):
        module.zero_grad()
        recipe.loss(module, data).backward()
        reached.append(any(bool(block.attn_qkv.weight.grad.any()) for block in module.blocks))
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.sub_(0.1 * parameter.grad)
    assert reached == [False, False, True]


def by_hand(score: Tensor, sigma: float, x: int, clean: int) -> float:
    """The denoising score entropy from the rate matrix and its exponential, term by term."""
    states = len(score)
    rates = torch.zeros(states, states, dtype=F64)
    for state in range(states - 1):
        rates[state, state], rates[-1, state] = -1.0, 1.0
    reached = torch.matrix_exp(sigma * rates)  # [to, from]
    total = 0.0
    for y in range(states):
        if y != x and rates[x, y]:
            ratio = float(reached[y, clean] / reached[x, clean])
            constant = ratio * (math.log(ratio) - 1) if ratio else 0.0
            total += float(rates[x, y] * (score[y] - ratio * score[y].log())) + constant
    return total


@pytest.mark.parametrize("sigma", [0.01, 0.4, 3.0])
def test_the_loss_is_the_score_entropy_computed_by_brute_force(sigma: float) -> None:
    states, generator = 4, torch.Generator().manual_seed(1)
    for clean in range(states - 1):
        for x in (clean, states - 1):  # an absorbing graph reaches nothing else
            log_score = torch.randn(states, generator=generator, dtype=F64)
            log_score[x] = 0.0
            found = score_entropy(
                log_score[None, None],
                torch.tensor([sigma], dtype=F64),
                torch.tensor([[x]]),
                torch.tensor([[clean]]),
            )
            assert float(found) == pytest.approx(
                by_hand(log_score.exp(), sigma, x, clean), rel=1e-10, abs=1e-12
            )


def test_the_true_score_has_no_loss_and_any_other_has() -> None:
    sigma = torch.tensor([0.7], dtype=F64)
    mask, clean = torch.tensor([[3]]), torch.tensor([[1]])
    true = torch.full((1, 1, 4), -50.0, dtype=F64)
    true[..., 1] = -torch.expm1(sigma).log()
    assert float(score_entropy(true, sigma, mask, clean)) == pytest.approx(0.0, abs=1e-12)
    assert float(score_entropy(true + 0.1, sigma, mask, clean)) > 1e-3


def test_the_weight_of_a_window_is_its_noise_rate() -> None:
    entropy = torch.tensor([[1.0, 3.0], [2.0, 2.0]])
    assert float(rate_weighted_mean(entropy, torch.tensor([1.0, 2.0]))) == 3.0


def test_the_gradient_is_that_of_finite_differences() -> None:
    recipe, module, data = ModelBuilder(None, 0), small_model(), batch()[0]
    recipe.loss(module, data).backward()
    generator, step = torch.Generator().manual_seed(2), 1e-6
    for name, parameter in module.named_parameters():
        along = torch.randn(parameter.shape, generator=generator, dtype=F64)
        losses = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(along, alpha=sign * step)
                losses.append(float(recipe.loss(module, data)))
                parameter.sub_(along, alpha=sign * step)
        expected = (losses[0] - losses[1]) / (2 * step)
        assert float((parameter.grad * along).sum()) == pytest.approx(
            expected, rel=1e-5, abs=1e-7
        ), name


def test_the_yardstick_rotates_as_the_truth_does() -> None:
    qkv = torch.randn(2, 7, 3, 5, 16)
    assert torch.allclose(rotation.yardstick(qkv).double(), rotation.truth(qkv.double()), atol=1e-6)
    assert torch.equal(rotation.yardstick(qkv)[:, :, 2], qkv[:, :, 2])
