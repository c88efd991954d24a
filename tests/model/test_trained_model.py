"""A folder with weights: what was trained is found again, and so is what was made of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_language_models import train
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from rotcheck.errors import RequestError
from rotcheck.model.weights.text_tokens import text_of
from rotcheck.model.weights.trained_model import trained_model
from rotcheck.model.weights.weights_judge import judge_weights
from rotcheck.results.model import WeightsFit

HEADS, WIDTH = 2, 32
CONFIG = LlamaConfig(
    vocab_size=128, hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=2, num_attention_heads=HEADS,
    num_key_value_heads=1, max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small Llama that has read the text of the package."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = LlamaForCausalLM(CONFIG)
    train(model, lambda ids: model(input_ids=ids, use_cache=False).logits, 200)
    folder = tmp_path_factory.mktemp("checkpoint")
    model.save_pretrained(folder)
    yield folder
    torch.set_num_threads(count)


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    for file in checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def judge(folder: Path) -> WeightsFit:
    trained = trained_model(folder, "cpu", torch.float32)
    return judge_weights(trained.module, text_of(None), trained.config, folder)


def interleaved(rows: Tensor) -> Tensor:
    """The rows of q_proj or k_proj as a model that rotates interleaved pairs has them."""
    heads = rows.unflatten(0, (-1, 2, WIDTH // HEADS // 2))
    return heads.transpose(1, 2).flatten(0, 2).contiguous()


@pytest.mark.slow
def test_weights_as_they_were_saved_fit(checkpoint: Path) -> None:
    fit = judge(checkpoint)
    assert fit.verdict == "agrees", fit
    assert (fit.windows, fit.window) == (64, 64)


@pytest.mark.slow
def test_a_port_that_rotates_halves_of_weights_that_were_trained_interleaved(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    for name in [name for name in weights if "q_proj" in name or "k_proj" in name]:
        weights[name] = interleaved(weights[name])
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    fit = judge(copy)
    assert fit.verdict == "disagrees"
    assert fit.message is not None
    words = "another convention fits the weights better than the one that runs: interleaved pairs "
    assert fit.message.startswith(words)


@pytest.mark.slow
def test_a_configuration_that_is_not_that_of_the_weights(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["rope_parameters"] = {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}
    (copy / "config.json").write_text(json.dumps(config))
    fit = judge(copy)
    assert fit.message is not None
    assert fit.message.startswith(
        "another convention fits the weights better than the one that runs: no scaling (loss "
    )


@pytest.mark.slow
def test_weights_that_are_not_there_are_not_made_up(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["model.layers.1.self_attn.k_proj.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RequestError, match=r"1 weights of LlamaForCausalLM are not there, such as"):
        trained_model(copy, "cpu", torch.float32)


@pytest.mark.slow
def test_a_folder_without_weights_is_refused(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with pytest.raises(RequestError, match="cannot be loaded"):
        trained_model(copy, "cpu", torch.float32)
