"""What `context` says of makers of libraries that fill their buffers themselves."""

from rotcheck.context.conditions import meta
from rotcheck.context.recognition import recognise
from rotcheck.context.trial import Trial
from rotcheck.implementations import load

LLAMA = "transformers.models.llama.modeling_llama:LlamaRotaryEmbedding"


def test_transformers_restores_its_own_buffers_after_meta() -> None:
    known = recognise(load.find(LLAMA, "cpu"), "cpu")
    evidence = meta.run(Trial(LLAMA, "cpu", known))
    assert evidence.curve
    assert (evidence.curve.right_to or 0) >= known.judged_to - 1
    assert "from_pretrained" in (evidence.note or "")
