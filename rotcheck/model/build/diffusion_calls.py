"""Calls of those transformers of diffusers for images and sounds whose inputs depend on each other.

Each is written after the documentation of its class's forward.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from rotcheck.model.build.film_inputs import (
    COLUMNS,
    PATCHES,
    ROWS,
    TOKENS,
    film,
    grid,
    handed_tables,
    moment,
    places,
    text,
    text_mask,
)
from rotcheck.model.build.random_inputs import BATCH, TARGET_LENGTH, normal

Config = Mapping[str, Any]
Call = Mapping[str, Any]


def _ace_step(config: Config) -> Call:
    latents, width = config["audio_acoustic_hidden_dim"], config["encoder_hidden_size"]
    return {
        "hidden_states": normal(BATCH, PATCHES, latents),  # (B, S, C)
        "timestep": moment(),
        "timestep_r": moment(),
        "encoder_hidden_states": text(width or config["hidden_size"]),
        "context_latents": normal(BATCH, PATCHES, config["in_channels"] - latents),
    }


def _bria_fibo(config: Config) -> Call:
    layers = config["num_layers"] + config["num_single_layers"]
    return {
        "hidden_states": normal(BATCH, PATCHES, config["in_channels"]),
        "encoder_hidden_states": text(config["joint_attention_dim"]),
        "text_encoder_layers": [text(config["text_encoder_dim"]) for _ in range(layers)],
        "timestep": moment(),
        "img_ids": grid().float(),
        "txt_ids": torch.zeros(TARGET_LENGTH, 3),
    }


def _cog_view(config: Config) -> Call:
    rows, columns = 4, 8  # of patches: whose places are evenly spaced among 256
    patch, sizes = config["patch_size"], torch.tensor([[64.0, 128.0]]).repeat(BATCH, 1)
    return {
        "hidden_states": normal(BATCH, config["in_channels"], rows * patch, columns * patch),
        "encoder_hidden_states": text(config["text_embed_dim"]),
        "timestep": moment(),
        "original_size": sizes,
        "target_size": sizes,
        "crop_coords": torch.zeros(BATCH, 2),
    }


def _hidream(config: Config) -> Call:
    layers, (width, *_) = len(config["llama_layers"]), config["caption_channels"]
    return {
        "hidden_states": film(config["in_channels"])[:, :, 0],  # (B, C, H, W)
        "timesteps": moment(),
        "encoder_hidden_states_t5": text(width),
        "encoder_hidden_states_llama3": torch.stack([text(width)] * layers),  # (K, B, L, D)
        "pooled_embeds": normal(BATCH, config["text_emb_dim"]),
    }


def _hunyuan_dit(config: Config) -> Call:
    t5, clip = config["text_len_t5"], config["text_len"]
    return {
        "hidden_states": film(config["in_channels"])[:, :, 0],  # (B, C, H, W)
        "timestep": moment(),
        "encoder_hidden_states": normal(BATCH, clip, config["cross_attention_dim"]),
        "text_embedding_mask": torch.ones(BATCH, clip),
        "encoder_hidden_states_t5": normal(BATCH, t5, config["cross_attention_dim_t5"]),
        "text_embedding_mask_t5": torch.ones(BATCH, t5),
        "image_meta_size": torch.full((BATCH, 6), 64.0),
        "style": torch.zeros(BATCH, dtype=torch.long),
        "image_rotary_emb": handed_tables(config["attention_head_dim"], 0),
    }


def _ideogram(config: Config) -> Call:
    roles = torch.tensor([3] * TARGET_LENGTH + [2] * PATCHES)  # words, then patches
    return {
        "hidden_states": normal(BATCH, TOKENS, config["in_channels"]),
        "timestep": moment(),
        "encoder_hidden_states": normal(BATCH, TOKENS, config["llm_features_dim"]),
        "position_ids": places().repeat(BATCH, 1, 1),
        "segment_ids": torch.zeros(BATCH, TOKENS, dtype=torch.long),
        "indicator": roles.repeat(BATCH, 1),
    }


def _joy_edit_plus(config: Config) -> Call:
    channels, sizes = config["in_channels"], config["patch_size"]
    return {
        "hidden_states": normal(BATCH, PATCHES, channels, *sizes),
        "timestep": moment(),
        "encoder_hidden_states": text(config["text_dim"]),
        "encoder_hidden_states_mask": torch.ones(BATCH, TARGET_LENGTH),
        "shape_list": [[(1, ROWS, COLUMNS)]] * BATCH,
    }


def _longcat_audio(config: Config) -> Call:
    return {
        "hidden_states": normal(BATCH, PATCHES, config["latent_dim"]),
        "encoder_hidden_states": text(config["dit_text_dim"]),
        "encoder_attention_mask": text_mask(),
        "timestep": moment(),
    }


def _lumina_next(config: Config) -> Call:
    from diffusers.models import embeddings

    tables: Any = embeddings.get_2d_rotary_pos_embed_lumina
    head_size = config["hidden_size"] // config["num_attention_heads"]
    return {
        "hidden_states": film(config["in_channels"])[:, :, 0],  # (B, C, H, W)
        "timestep": moment(),
        "encoder_hidden_states": text(config["cross_attention_dim"]),
        "encoder_mask": text_mask(),
        "image_rotary_emb": tables(head_size, 16, 16),
        "cross_attention_kwargs": {},
    }


def _minimax_music(config: Config) -> Call:
    return {
        "hidden_states": normal(BATCH, config["in_channels"], PATCHES),  # (B, C, S)
        "timestep": moment(),
        "encoder_hidden_states": normal(BATCH, PATCHES, config["condition_dim"]),
    }


def _omnigen(config: Config) -> Call:
    tokens = TOKENS + 1  # one of them is the moment
    return {
        "hidden_states": film(config["in_channels"])[:, :, 0],  # (B, C, H, W)
        "timestep": moment(),
        "input_ids": torch.arange(1, TARGET_LENGTH + 1).repeat(BATCH, 1),
        "input_img_latents": [],
        "input_image_sizes": {},
        "attention_mask": torch.ones(BATCH, tokens, tokens),
        "position_ids": torch.arange(tokens).repeat(BATCH, 1),
    }


def _qwen_image_21(config: Config) -> Call:
    slots = PATCHES // 4  # each of two by two patches
    image = torch.arange(TARGET_LENGTH + slots) >= TARGET_LENGTH
    return {
        "hidden_states": normal(BATCH, PATCHES, config["in_channels"]),
        "encoder_hidden_states": text(config["context_in_dim"]),
        "timestep": moment(),
        "img_shapes": [[(1, ROWS, COLUMNS)]] * BATCH,
        "img_mask": image.repeat(BATCH, 1),
    }


def _stable_audio(config: Config) -> Call:
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    size = config["attention_head_dim"] // 2
    return {
        "hidden_states": normal(BATCH, config["in_channels"], PATCHES),  # (B, C, S)
        "timestep": moment(),
        "encoder_hidden_states": text(config["cross_attention_input_dim"]),
        "global_hidden_states": normal(BATCH, 1, config["global_states_input_dim"]),
        "rotary_embedding": get_1d_rotary_pos_embed(
            size, PATCHES + 1, use_real=True, repeat_interleave_real=False
        ),
    }


def _stable_audio_3(config: Config) -> Call:
    return {
        "hidden_states": normal(BATCH, config["io_channels"], PATCHES),  # (B, C, S)
        "timestep": moment(),
        "encoder_hidden_states": text(config["cond_token_dim"]),
        "global_hidden_states": normal(BATCH, config["global_cond_dim"]),
    }


CALLS: Mapping[str, Callable[[Config], Call]] = {
    "CogView4Transformer2DModel": _cog_view,
    "AceStepTransformer1DModel": _ace_step,
    "BriaFiboTransformer2DModel": _bria_fibo,
    "HiDreamImageTransformer2DModel": _hidream,
    "HunyuanDiT2DModel": _hunyuan_dit,
    "Ideogram4Transformer2DModel": _ideogram,
    "JoyImageEditPlusTransformer3DModel": _joy_edit_plus,
    "LongCatAudioDiTTransformer": _longcat_audio,
    "LuminaNextDiT2DModel": _lumina_next,
    "MiniMaxMusic3Transformer1DModel": _minimax_music,
    "OmniGenTransformer2DModel": _omnigen,
    "QwenImage21Transformer2DModel": _qwen_image_21,
    "StableAudio3DiTModel": _stable_audio_3,
    "StableAudioDiTModel": _stable_audio,
}
