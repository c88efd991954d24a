"""torchtune's models, made small around the rotary part."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchtune.models import gemma2 as _gemma2
from torchtune.models import llama2 as _llama2
from torchtune.models import llama3 as _llama3
from torchtune.models import llama3_1 as _llama3_1
from torchtune.models import llama3_2 as _llama3_2
from torchtune.models import mistral as _mistral
from torchtune.models import phi3 as _phi3
from torchtune.models import qwen2 as _qwen2


def _small(builder: Callable[..., nn.Module], **more: Any) -> tuple[nn.Module, dict[str, Tensor]]:
    usual = {"vocab_size": 97, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2, "embed_dim": 512}
    model = builder(**usual | {"max_seq_len": 64, "intermediate_dim": 64} | more)
    return model, {"tokens": torch.arange(2 * 19).view(2, 19) % 97}


def llama2() -> tuple[nn.Module, dict[str, Tensor]]:
    """Theta 10,000."""
    return _small(_llama2.llama2)


def llama3() -> tuple[nn.Module, dict[str, Tensor]]:
    """Theta 500,000."""
    return _small(_llama3.llama3)


def llama3_1() -> tuple[nn.Module, dict[str, Tensor]]:
    """Llama 3's scaling by 8."""
    return _small(_llama3_1.llama3_1)


def llama3_2() -> tuple[nn.Module, dict[str, Tensor]]:
    """Llama 3's scaling by 32."""
    return _small(_llama3_2.llama3_2)


def mistral() -> tuple[nn.Module, dict[str, Tensor]]:
    """Theta 10,000."""
    return _small(_mistral.mistral)


def phi3() -> tuple[nn.Module, dict[str, Tensor]]:
    """Half pairing."""
    return _small(_phi3.phi3)


def qwen2() -> tuple[nn.Module, dict[str, Tensor]]:
    """Half pairing, theta 1,000,000."""
    return _small(_qwen2.qwen2)


def gemma2() -> tuple[nn.Module, dict[str, Tensor]]:
    """Heads of 256 lanes."""
    return _small(_gemma2.gemma2, head_dim=256)
