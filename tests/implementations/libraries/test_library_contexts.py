"""What `context` says of makers of libraries that fill their buffers themselves."""

from pathlib import Path

import torch

from rotcheck.context.angle_recognition import recognise
from rotcheck.context.conditions import meta
from rotcheck.context.specimen import Specimen
from rotcheck.implementations.target import resolve

LLAMA = "transformers.models.llama.modeling_llama:LlamaRotaryEmbedding"


def test_transformers_restores_its_own_buffers_after_meta() -> None:
    known = recognise(resolve(LLAMA, "cpu"), "cpu")
    evidence = meta.run(Specimen(LLAMA, "cpu", known))
    assert evidence.curve
    assert (evidence.curve.right_to or 0) >= known.judged_to - 1
    assert "from_pretrained" in (evidence.note or "")


def test_from_pretrained_leaves_a_buffer_of_no_checkpoint_without_values(tmp_path: Path) -> None:
    """What `scan` says of `lost-buffer`."""
    from transformers import PreTrainedConfig, PreTrainedModel

    class Model(PreTrainedModel):  # type: ignore[misc]
        def __init__(self, config: PreTrainedConfig) -> None:
            super().__init__(config)
            self.weight = torch.nn.Parameter(torch.ones(2))
            self.register_buffer("inv_freq", torch.ones(2), persistent=False)
            self.post_init()

        def _init_weights(self, module: torch.nn.Module) -> None: ...

    model = Model(PreTrainedConfig())
    model.save_pretrained(tmp_path)
    torch.use_deterministic_algorithms(True)  # memory that nobody fills holds NaN
    try:
        loaded = Model.from_pretrained(tmp_path, config=model.config)
    finally:
        torch.use_deterministic_algorithms(False)
    assert model.inv_freq.isfinite().all()
    assert loaded.inv_freq.isnan().all()
    assert torch.equal(loaded.weight, model.weight)
