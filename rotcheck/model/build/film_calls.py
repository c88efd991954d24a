"""Calls of those transformers of diffusers for films whose inputs depend on each other.

Each is written after the documentation of its class's forward.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from rotcheck.model.build.film_inputs import (
    COLUMNS,
    FRAMES,
    PATCHES,
    ROWS,
    TOKENS,
    film,
    handed_tables,
    moment,
    places,
    text,
    text_mask,
)
from rotcheck.model.build.random_inputs import BATCH, TARGET_LENGTH, normal

Config = Mapping[str, Any]
Call = Mapping[str, Any]


def _allegro(config: Config) -> Call:
    from diffusers.models import embeddings

    scales = tuple(config[f"interpolation_scale_{axis}"] for axis in "thw")
    make: Any = embeddings.get_3d_rotary_pos_embed_allegro
    sides = ROWS, COLUMNS
    *tables, t, h, w = make(config["attention_head_dim"], ((0, 0), sides), sides, FRAMES, scales)
    patches = torch.cartesian_prod(t.long(), h.long(), w.long()).T[:, None].contiguous()
    return {
        "hidden_states": film(config["in_channels"], config["patch_size"]),
        "encoder_hidden_states": text(config["caption_channels"]),
        "timestep": moment(),
        "encoder_attention_mask": text_mask(),
        "image_rotary_emb": (tuple(tables), tuple(patches)),  # (3, 1, N)
    }


def _any_flow(config: Config) -> Call:
    moments = torch.full((BATCH, FRAMES), 0.5)  # (B, T)
    return {
        "hidden_states": film(config["in_channels"]).transpose(1, 2),  # (B, T, C, H, W)
        "timestep": moments,
        "r_timestep": moments,
        "encoder_hidden_states": text(config["text_dim"]),
    }


def _any_flow_far(config: Config) -> Call:
    return {**_any_flow(config), "chunk_partition": [1] * FRAMES}


def _cog_video(config: Config) -> Call:
    return {
        "hidden_states": film(config["in_channels"]).transpose(1, 2),  # (B, T, C, H, W)
        "encoder_hidden_states": text(config["text_embed_dim"]),
        "timestep": moment(),
        "image_rotary_emb": handed_tables(config["attention_head_dim"], FRAMES),
    }


def _cosmos(config: Config) -> Call:
    return {
        "hidden_states": film(config["in_channels"]),
        "timestep": moment(),
        "encoder_hidden_states": text(config["text_embed_dim"]),
    }


def _cosmos_omni(config: Config) -> Call:
    image = torch.arange(TARGET_LENGTH, TOKENS)
    return {
        "input_ids": torch.arange(TARGET_LENGTH),
        "text_indexes": torch.arange(TARGET_LENGTH),
        "position_ids": places().T.contiguous(),  # (3, L + N)
        "und_len": TARGET_LENGTH,
        "sequence_length": TOKENS,
        "vision_tokens": [film(config["latent_channel"], config["latent_patch_size"], 1)[:1]],
        "vision_token_shapes": [(1, ROWS, COLUMNS)],
        "vision_sequence_indexes": image,
        "vision_mse_loss_indexes": image,
        "vision_timesteps": torch.full((PATCHES,), 500.0),
        "vision_noisy_frame_indexes": [torch.zeros(1, dtype=torch.long)],
    }


def _easy_animate(config: Config) -> Call:
    return {
        "hidden_states": film(config["in_channels"]),
        "timestep": moment(),
        "encoder_hidden_states": text(config["text_embed_dim"]),
    }


def _hunyuan_video_15(config: Config) -> Call:
    return {
        "hidden_states": film(config["in_channels"], config["patch_size"]),
        "timestep": moment(),
        "encoder_hidden_states": text(config["text_embed_dim"]),
        "encoder_attention_mask": text_mask(),
        "encoder_hidden_states_2": text(config["text_embed_2_dim"]),
        "encoder_attention_mask_2": text_mask(),
        "image_embeds": text(config["image_embed_dim"]),
    }


def _framepack(config: Config) -> Call:
    channels, first = config["in_channels"], torch.arange(20)  # (T)
    return {
        "hidden_states": film(channels),
        "timestep": moment(),
        "encoder_hidden_states": text(config["text_embed_dim"]),
        "encoder_attention_mask": text_mask(),
        "pooled_projections": normal(BATCH, config["pooled_projection_dim"]),
        "image_embeds": text(config["image_proj_dim"]),
        "indices_latents": first[-FRAMES:],
        "guidance": torch.full((BATCH,), 3.5),
        "latents_clean": film(channels, frames=1),
        "indices_latents_clean": first[:1],
        "latents_history_2x": film(channels, frames=2),
        "indices_latents_history_2x": first[:2],
        "latents_history_4x": film(channels, frames=4),
        "indices_latents_history_4x": first[:4],
    }


def _kandinsky_5(config: Config) -> Call:
    return {
        "hidden_states": film(config["in_visual_dim"]).movedim(1, -1).contiguous(),
        "encoder_hidden_states": text(config["in_text_dim"]),
        "timestep": moment(),
        "pooled_projections": normal(BATCH, config["in_text_dim2"]),
        "visual_rope_pos": [torch.arange(size) for size in (FRAMES, ROWS, COLUMNS)],
        "text_rope_pos": torch.arange(TARGET_LENGTH),
    }


def _kandinsky_6(config: Config) -> Call:
    return {
        "hidden_states": film(2 * config["in_visual_dim"] + 1).movedim(1, -1).contiguous(),
        "encoder_hidden_states": text(config["in_text_dim"]),
        "pooled_projections": normal(BATCH, config["in_text_dim2"]),
        "timestep": moment(),
        "audio_hidden_states": normal(BATCH, PATCHES, config["in_audio_dim"]),
    }


def _kandinsky_6_sr(config: Config) -> Call:
    channels = 2 * config["in_visual_dim"] + 1
    return {"hidden_states": normal(BATCH, FRAMES, 8, 16, channels), "timestep": moment()}


def _ltx(config: Config) -> Call:
    return {
        "hidden_states": normal(BATCH, FRAMES * PATCHES, config["in_channels"]),
        "encoder_hidden_states": text(config["caption_channels"]),
        "timestep": moment(),
        "encoder_attention_mask": text_mask(),
        "num_frames": FRAMES,
        "height": ROWS,
        "width": COLUMNS,
        "rope_interpolation_scale": (8 / 25, 32, 32),  # seconds a frame, pixels a patch
    }


def _ltx_2(config: Config) -> Call:
    return {
        "hidden_states": normal(BATCH, FRAMES * PATCHES, config["in_channels"]),
        "audio_hidden_states": normal(BATCH, PATCHES, config["audio_in_channels"]),
        "encoder_hidden_states": text(config["caption_channels"]),
        "audio_encoder_hidden_states": text(config["caption_channels"]),
        "timestep": torch.full((BATCH, 1), 500.0),
        "num_frames": FRAMES,
        "height": ROWS,
        "width": COLUMNS,
        "audio_num_frames": PATCHES,
    }


def _minimax_h3(config: Config) -> Call:
    _, side, _ = config["patch_size"]
    videos, tokens = PATCHES, TOKENS + TARGET_LENGTH
    kinds = torch.tensor([1] * TARGET_LENGTH + [0] * videos + [2] * TARGET_LENGTH)
    sounds = torch.arange(TARGET_LENGTH)[:, None].repeat(1, 3)  # (A, 3)
    return {
        "hidden_states": normal(BATCH, videos, config["in_channels"] * side**2),
        "audio_hidden_states": normal(BATCH, TARGET_LENGTH, config["audio_in_channels"]),
        "encoder_hidden_states": text(config["text_dim"]),
        "timestep": torch.tensor([0.5]),
        "timestep_indices": torch.zeros(tokens, dtype=torch.long),
        "token_tags": kinds,
        "position_ids": torch.cat([places(), sounds]),
        "video_indices": (kinds == 0).nonzero()[:, 0],
        "audio_indices": (kinds == 2).nonzero()[:, 0],
        "text_indices": (kinds == 1).nonzero()[:, 0],
    }


def _sana_wm(config: Config) -> Call:
    return {
        "hidden_states": film(config["in_channels"], 1),
        "timestep": torch.full((BATCH, 1, FRAMES), 0.5),
        "encoder_hidden_states": text(config["caption_channels"])[:, None],  # (B, 1, L, D)
        "mask": text_mask()[:, None, None].long(),
    }


def _wan_animate(config: Config) -> Call:
    side = config["motion_encoder_size"]
    return {
        "hidden_states": film(config["in_channels"]),
        "timestep": moment(),
        "encoder_hidden_states": text(config["text_dim"]),
        "encoder_hidden_states_image": text(config["image_dim"]),
        "pose_hidden_states": film(config["latent_channels"], frames=FRAMES - 1),
        "face_pixel_values": normal(BATCH, 3, 4 * (FRAMES - 2) + 1, side, side),
    }


def _wan_vace(config: Config) -> Call:
    return {
        "hidden_states": film(config["in_channels"]),
        "timestep": moment(),
        "encoder_hidden_states": text(config["text_dim"]),
        "control_hidden_states": film(config["vace_in_channels"]),
    }


CALLS: Mapping[str, Callable[[Config], Call]] = {
    "AllegroTransformer3DModel": _allegro,
    "AnyFlowFARTransformer3DModel": _any_flow_far,
    "AnyFlowTransformer3DModel": _any_flow,
    "CogVideoXTransformer3DModel": _cog_video,
    "ConsisIDTransformer3DModel": _cog_video,
    "Cosmos3OmniTransformer": _cosmos_omni,
    "CosmosTransformer3DModel": _cosmos,
    "EasyAnimateTransformer3DModel": _easy_animate,
    "HunyuanVideo15Transformer3DModel": _hunyuan_video_15,
    "HunyuanVideoFramepackTransformer3DModel": _framepack,
    "Kandinsky5Transformer3DModel": _kandinsky_5,
    "Kandinsky6SRTransformer3DModel": _kandinsky_6_sr,
    "Kandinsky6Transformer3DModel": _kandinsky_6,
    "LTX2VideoTransformer3DModel": _ltx_2,
    "LTXVideoTransformer3DModel": _ltx,
    "MiniMaxH3Transformer3DModel": _minimax_h3,
    "SanaWMTransformer3DModel": _sana_wm,
    "WanAnimateTransformer3DModel": _wan_animate,
    "WanVACETransformer3DModel": _wan_vace,
}
