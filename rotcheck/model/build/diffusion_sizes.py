"""Sizes of transformers of diffusers: those that a class needs, and those that become small."""

from collections.abc import Mapping
from typing import Any

from rotcheck.model.build.film_inputs import COLUMNS, ROWS

Config = Mapping[str, Any]

# values that a class needs and has no default for that runs; CogVideoX turns nothing by default
NECESSARY: Mapping[str, Config] = {
    "CogVideoXTransformer3DModel": {"use_rotary_positional_embeddings": True},
    "ConsisIDTransformer3DModel": {"use_rotary_positional_embeddings": True},
    "CosmosTransformer3DModel": {"concat_padding_mask": False},  # True needs torchvision
    "EasyAnimateTransformer3DModel": {"in_channels": 16, "out_channels": 16, "patch_size": 2},
    "HiDreamImageTransformer2DModel": {
        "patch_size": 2,
        "in_channels": 16,
        "caption_channels": [4096, 4096],
        "axes_dims_rope": [64, 32, 32],
        "llama_layers": [0, 1, 2, 3],
    },
    "HunyuanDiT2DModel": {"in_channels": 4, "patch_size": 2, "hidden_size": 1408},
    "HunyuanVideoFramepackTransformer3DModel": {
        "has_image_proj": True,
        "has_clean_x_embedder": True,
    },
    "LuminaNextDiT2DModel": {"num_kv_heads": 8},
    "OmniGenTransformer2DModel": {
        "rope_scaling": {"type": "su", "short_factor": [1.0] * 48, "long_factor": [2.0] * 48}
    },
}
# small sizes beside those that the names of keys tell
SMALL: Mapping[str, Config] = {
    "HiDreamImageTransformer2DModel": {
        "max_resolution": [2 * ROWS, 2 * COLUMNS],
        "llama_layers": [0, 1, 2, 3],
    },
    "Kandinsky5Transformer3DModel": {"model_dim": 384, "ff_dim": 96},
    "Kandinsky6SRTransformer3DModel": {"model_dim": 384, "ff_dim": 96},
    "Kandinsky6Transformer3DModel": {"model_dim": 768, "ff_dim": 96},
    "LTX2VideoTransformer3DModel": {"audio_cross_attention_dim": 384},
    "LongCatAudioDiTTransformer": {"dit_dim": 384, "dit_heads": 6},
    "OmniGenTransformer2DModel": {"pad_token_id": 0},
    "WanAnimateTransformer3DModel": {"motion_encoder_size": 64, "inject_face_latents_blocks": 2},
    "WanVACETransformer3DModel": {"vace_layers": [0]},
}
