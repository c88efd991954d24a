"""Something else stands in for the calls that turn q and k, and is gone afterwards."""

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest
import torch
from small_language_models import LanguageModel, rotate_half
from torch import Tensor, nn
from transformers import (
    CohereConfig,
    CohereForCausalLM,
    DeepseekV3Config,
    DeepseekV3ForCausalLM,
    Glm4Config,
    Glm4ForCausalLM,
    GPTJConfig,
    GPTJForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from rotcheck.model.forward_pass import run_forward
from rotcheck.model.weights.changed_turns import other_direction, other_pairing
from rotcheck.model.weights.function_swap import function_swap
from rotcheck.model.weights.substitutes import Substitutes, substitutes_of
from rotcheck.model.weights.text_loss import TextModel
from rotcheck.model.weights.turned_call import NoTurn, turned_calls

SIZES: dict[str, Any] = {
    "vocab_size": 96, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    "initializer_range": 0.2,
}  # fmt: skip
GPTJ = GPTJConfig(
    vocab_size=96,
    n_embd=64,
    n_layer=2,
    n_head=4,
    n_positions=64,
    rotary_dim=8,
    initializer_range=0.2,
)
MLA = {"kv_lora_rank": 16, "q_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8}
MLA |= {"v_head_dim": 16, "n_routed_experts": 2, "num_experts_per_tok": 1, "n_group": 1}
MLA |= {"topk_group": 1, "first_k_dense_replace": 2, "moe_intermediate_size": 16}


def closure() -> LanguageModel:
    def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return rotate_half(x, cos, sin) if factor else x

    factor = 1.0
    return LanguageModel(rotate=rotate)


def decorated() -> LanguageModel:
    @functools.wraps(rotate_half)
    def rotate(*args: Any, **kwargs: Any) -> Tensor:
        return rotate_half(*args, **kwargs)

    return LanguageModel(rotate=rotate)


class Rotation(nn.Module):
    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return rotate_half(x, cos, sin)


def written_in_place() -> LanguageModel:
    def rotate_(x: Tensor, cos: Tensor, sin: Tensor) -> None:
        x.copy_(rotate_half(x, cos, sin))

    def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x.contiguous()
        rotate_(x, cos, sin)
        return x

    model = LanguageModel(rotate=rotate)
    return model


def called_for_v_too() -> LanguageModel:
    def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ones, zeros = torch.ones_like(cos), torch.zeros_like(sin)
        turn(x, ones, zeros)  # turns nothing
        return turn(x, cos, sin)

    def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return rotate_half(x, cos, sin)

    return LanguageModel(rotate=rotate)


class Inline(nn.Module):
    """One layer, which turns q and k in its own code."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.qk = nn.Embedding(96, 16), nn.Linear(16, 32)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids)
        angles = torch.arange(x.shape[1])[:, None] * 10.0 ** (-torch.arange(8) / 2)
        cos, sin = (y.repeat(1, 2) for y in (angles.cos(), angles.sin()))
        q, k = self.qk(x).chunk(2, -1)
        q = q * cos + torch.cat((-q[..., 8:], q[..., :8]), -1) * sin
        k = k * cos + torch.cat((-k[..., 8:], k[..., :8]), -1) * sin
        x = x + nn.functional.scaled_dot_product_attention(q, k, x, is_causal=True)
        return x @ self.embedding.weight.T


MODELS: dict[str, Callable[[], nn.Module]] = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SIZES)),
    "gpt_neox": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**SIZES)),
    "gptj": lambda: GPTJForCausalLM(GPTJ),
    "cohere": lambda: CohereForCausalLM(CohereConfig(**SIZES)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SIZES)),
    "glm4": lambda: Glm4ForCausalLM(Glm4Config(**SIZES, head_dim=16)),
    "deepseek_v3": lambda: DeepseekV3ForCausalLM(DeepseekV3Config(**SIZES | MLA)),
    "a function": LanguageModel,
    "a closure": closure,
    "a decorated function": decorated,
    "a module": lambda: LanguageModel(rotate=Rotation()),
    "no function": Inline,
    "written in place": written_in_place,
    "a function that also turns nothing": called_for_v_too,
}


def substitutes(model: TextModel, ids: Tensor) -> Substitutes:
    calls = turned_calls(run_forward(model.module, model.arguments(ids)), None, ())
    return substitutes_of(calls, model.module, lambda: model.logits(ids))


@pytest.mark.parametrize("name", MODELS)
def test_the_same_turn_gives_the_same_logits_and_another_one_others(name: str) -> None:
    torch.manual_seed(0)
    model = TextModel(MODELS[name]().eval())
    ids = torch.randint(3, 96, (1, 24))
    with torch.no_grad():
        logits = model.logits(ids)
        instead = substitutes(model, ids)
        with instead.change(lambda tensor: tensor.turn):
            torch.testing.assert_close(model.logits(ids), logits, rtol=1e-4, atol=1e-4)
            more = model.logits(ids.expand(3, -1))
            torch.testing.assert_close(more, logits.expand(3, -1, -1), rtol=1e-4, atol=1e-4)
        for change in (other_direction, other_pairing):
            with instead.change(change):
                assert not torch.allclose(model.logits(ids), logits, rtol=1e-3, atol=1e-3)
        assert torch.equal(model.logits(ids), logits)


def test_k_is_told_from_q() -> None:
    model = TextModel(GPTJForCausalLM(GPTJ).eval())
    ids = torch.randint(3, 96, (1, 24))
    calls = turned_calls(run_forward(model.module, model.arguments(ids)), None, ())
    assert [tensor.name for call in calls for tensor in call.tensors] in (
        ["k", "q"] * 2,
        ["q", "k"] * 2,
    )


def test_a_function_that_a_pass_makes_anew_is_not_understood() -> None:
    class Fresh(LanguageModel):
        def forward(self, ids: Tensor) -> Tensor:
            def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
                return rotate_half(x, cos, sin)

            self.turn_by(rotate)
            return super().forward(ids)

    model = TextModel(Fresh().eval())
    with pytest.raises(NoTurn, match="was not the same when the model ran again"):
        substitutes(model, torch.randint(3, 96, (1, 24)))


class Parent:
    def value(self, x: int) -> int:
        return x


class Child(Parent):
    def value(self, x: int, *, step: int = 1) -> int:
        return super().value(x) + step


def adder(step: int) -> Callable[[int], int]:
    def add(x: int) -> int:
        return x + step

    return add


def times_100(function: FunctionType) -> Callable[..., int]:
    return lambda *args, **kwargs: 100 * function(*args, **kwargs)


def test_a_method_and_a_closure_are_swapped_and_put_back() -> None:
    add, other = adder(1), adder(2)
    child = Child()
    assert isinstance(add, FunctionType)
    codes = add.__code__, Child.value.__code__
    with function_swap(add, times_100), function_swap(Child.value, times_100):
        assert (add(1), other(1), child.value(1), child.value(1, step=4)) == (200, 3, 200, 500)
    assert (add(1), other(1), child.value(1), child.value(1, step=4)) == (2, 3, 2, 5)
    assert (add.__code__, Child.value.__code__) == codes


def test_a_function_is_put_back_although_the_block_raises() -> None:
    add = adder(1)
    assert isinstance(add, FunctionType)
    with pytest.raises(KeyError), function_swap(add, times_100):
        raise KeyError
    assert add(1) == 2
