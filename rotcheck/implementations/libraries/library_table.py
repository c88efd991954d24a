"""The libraries' rotary functions that rotcheck knows.

A new one is one entry here, and nothing else.
"""

from dataclasses import replace

from rotcheck.convention import Convention
from rotcheck.implementations.libraries.library import Library
from rotcheck.implementations.third_party import FOR_NUMPY, Package

FLASHINFER = Package("flashinfer-python", "flashinfer", "0.7.2.post1")
ONNX = Package("onnx", "onnx", "1.23.2")
TRANSFORMERS = Package("transformers", "transformers", "5.23.0")

UP_TO_FLOAT32 = ("float32", "float16", "bfloat16")
NARROW = ("float16", "bfloat16")

# without `alone`, their packages ask for torchvision (timm) and some thirty others (torchtune)
_TIMM = Library(
    "timm's `apply_rot_embed`: one tensor, interleaved pairs, sin before cos, tables that line up with it.",
    Package("timm", "timm", "1.0.31"),
    "timm.layers.pos_embed_sincos:apply_rot_embed",
    "x, sin_emb, cos_emb",
    Convention("interleaved", "bshd", "repeated", table_axes="s1w", arguments=("x", "sin", "cos")),
    alone=True,
)
_TORCHTUNE = Library(
    "torchtune's `RotaryPositionalEmbeddings`: a module with tables of its own, interleaved pairs.",
    Package("torchtune", "torchtune", "0.6.1"),
    "torchtune.modules.position_embeddings:RotaryPositionalEmbeddings",
    "dim, max_seq_len=, base=",
    Convention(
        "interleaved",
        "bshd",
        "positions",
        arguments=("x", "input_pos=positions"),
        positions="any",
        position_axes="bs",
        head_dim=64,
        last_position=131071,
    ),
    alone=True,
    adapter="torchtune:build",
)
# 4.x meant `position_ids` by the fifth argument, which means `unsqueeze_dim` now: it is named
_LLAMA = Library(
    "transformers' Llama, and the some 180 models that copy it: q and k, half pairing, tables (B, S, D).",
    TRANSFORMERS,
    "transformers.models.llama.modeling_llama:apply_rotary_pos_emb",
    "q, k, cos, sin, unsqueeze_dim=",
    Convention(
        "half",
        "bshd",
        "repeated",
        table_axes="bsw",
        arguments=("q", "k", "cos", "sin", "unsqueeze_dim=2"),
    ),
)
# left to itself it takes (B, H, S, D), and with complex tables (B, S, H, D)
_DIFFUSERS = Library(
    "diffusers' `apply_rotary_emb` with real tables: one tensor, interleaved pairs, a tuple of cos and sin (S, D).",
    Package("diffusers", "diffusers", "0.42.1"),
    "diffusers.models.embeddings:apply_rotary_emb",
    "x, freqs_cis, sequence_dim=",
    Convention(
        "interleaved",
        "bshd",
        "repeated",
        table_axes="sw",
        arguments=("x", "(cos, sin)", "sequence_dim=1"),
    ),
)
_MEGATRON = Library(
    "Megatron-Core's `apply_rotary_pos_emb` without fusion: (S, B, H, D) and angles, each in both halves.",
    Package("megatron-core", "megatron", "0.16.1"),
    "megatron.core.models.common.embeddings.rope_utils:apply_rotary_pos_emb",
    "t, freqs, config, cp_group=",
    Convention("half", "sbhd", "angles-repeated", table_axes="s11w", arguments=("x", "table")),
    adapter="megatron_core:without_fusion",
)
_TORCH_ONNX = Library(
    "`torch.onnx.ops.rotary_embedding`, the one rotary function in torch itself: half pairing, position ids.",
    Package("torch", "torch", "2.13.0"),
    "torch.onnx.ops:rotary_embedding",
    "X, cos_cache, sin_cache, position_ids",
    Convention(
        "half",
        "bhsd",
        "half-width",
        arguments=("x", "cos", "sin", "positions"),
        table_axes="sw",
        position_axes="bs",
    ),
    no_gradient="torch.onnx.ops.rotary_embedding has no formula for autograd",
)
_ONNXRUNTIME = Library(
    "ONNX Runtime's kernel of the operator RotaryEmbedding (opset 23) for CPUs: half pairing, position ids.",
    Package("onnxruntime", "onnxruntime", "1.31.1", "onnxruntime onnx"),
    "onnxruntime:InferenceSession",
    "path_or_bytes, sess_options, providers=",
    _TORCH_ONNX.convention,
    runs_on="cpu",
    adapter="onnx_operator:run_session",
    no_dtype={
        dtype: f"ONNX Runtime has no RotaryEmbedding in {dtype} for CPUs"
        for dtype in ("bfloat16", "float64")
    },
    no_gradient=FOR_NUMPY,
    no_trace=FOR_NUMPY,
)
_MLX = Library(
    "MLX's `mx.fast.rope`: computes the angles itself, from an offset; half pairing, (B, H, S, D).",
    Package("mlx", "mlx", "0.32.4", "'mlx[cpu]'"),
    "mlx.core:fast.rope",
    "a, dims",
    Convention("half", "bhsd", "positions", arguments=("x", "offset"), positions="offset"),
    runs_on="cpu",
    adapter="mlx:through_numpy",
    no_dtype={"float64": "MLX computes in float32 at most"},
    no_gradient=FOR_NUMPY,
    no_trace=FOR_NUMPY,
)
_FLA = Library(
    "flash-linear-attention's `rotary_embedding`: a Triton kernel for one tensor, half pairing, with an offset.",
    Package("fla-core", "fla", "0.6.0", "flash-linear-attention"),
    "fla.modules.rotary:rotary_embedding",
    "x, cos, sin, seqlen_offsets=",
    Convention(
        "half",
        "bshd",
        "half-width",
        takes_offset=True,
        arguments=("x", "cos", "sin", "seqlen_offsets=offset"),
    ),
    runs_on="cuda",
    triton=True,
    adapter="fla:without_autotuning",
)
# this one and all that run on CUDA alone are written from their packages, and not run
_VLLM = Library(
    "vLLM's `rotary_embedding`: a CUDA kernel that writes into q and k (T, H*D), with one table of cos and sin.",
    Package("vllm", "vllm", "0.33.0"),
    "vllm._custom_ops:rotary_embedding",
    "positions, query, key, head_size, cos_sin_cache, is_neox",
    Convention(
        "half",
        "t(hd)",
        "half-width",
        table_axes="sw",
        arguments=("positions", "q", "k", "D", "cos+sin", "True"),
        position_axes="s",
        in_place=True,
    ),
    runs_on="cuda",
    dtypes=UP_TO_FLOAT32,
    no_gradient="vLLM's kernel has no formula for autograd: it is for inference",
)
_FLASHINFER = Library(
    "flashinfer's `apply_rope_with_cos_sin_cache`: a CUDA kernel for q and k (T, H*D), its table in float32.",
    FLASHINFER,
    "flashinfer.rope:apply_rope_with_cos_sin_cache",
    _VLLM.parameters,
    replace(_VLLM.convention, in_place=False),
    runs_on="cuda",
    adapter="float32_table:cast",
    dtypes=NARROW,
    no_gradient="flashinfer has no formula for autograd: it is for inference",
)
_TRANSFORMER_ENGINE = Library(
    "Transformer Engine's fused `apply_rotary_pos_emb`: a CUDA kernel for one tensor (S, B, H, D) and angles.",
    Package(
        "transformer-engine",
        "transformer_engine",
        "2.20.2",
        "--no-build-isolation 'transformer-engine[pytorch]'",
    ),
    "transformer_engine.pytorch.attention.rope:apply_rotary_pos_emb",
    "t, freqs, fused=",
    replace(_MEGATRON.convention, arguments=("x", "table", "fused=True")),
    runs_on="cuda",
    dtypes=UP_TO_FLOAT32,
)

LIBRARIES = {
    "timm": _TIMM,
    "timm-half": _TIMM.variant(
        "timm's `apply_rot_embed` with `half=True`: half pairing, with tables of that order.",
        {"pairing": "half", "arguments": ("x", "sin", "cos", "half=True")},
        parameters="x, sin_emb, cos_emb, half=",
    ),
    "timm-cat": _TIMM.variant(
        "timm's `apply_rot_embed_cat`: sin and cos behind each other in one table.",
        {"arguments": ("x", "sin+cos")},
        function="timm.layers.pos_embed_sincos:apply_rot_embed_cat",
        parameters="x, emb",
    ),
    "torchtune": _TORCHTUNE,
    "torchtune-phi3": _TORCHTUNE.variant(
        "torchtune's `Phi3RotaryPositionalEmbeddings`: half pairing, computed in float32.",
        {"pairing": "half"},
        function="torchtune.models.phi3._position_embeddings:Phi3RotaryPositionalEmbeddings",
    ),
    "torchtune-qwen2": _TORCHTUNE.variant(
        "torchtune's `Qwen2RotaryPositionalEmbeddings`: half pairing, its tables cast to the input's dtype.",
        {"pairing": "half"},
        function="torchtune.models.qwen2._positional_embeddings:Qwen2RotaryPositionalEmbeddings",
    ),
    "transformers-llama": _LLAMA,
    "transformers-gpt-neox": _LLAMA.variant(
        "transformers' GPT-NeoX: the width of the tables says how many lanes rotate, here 16; the others pass.",
        {"rotary_dim": 16},
        function="transformers.models.gpt_neox.modeling_gpt_neox:apply_rotary_pos_emb",
    ),
    "transformers-gpt-oss": _LLAMA.variant(
        "transformers' gpt-oss: half pairing with tables of half the width.",
        {"tables": "half-width"},
        function="transformers.models.gpt_oss.modeling_gpt_oss:apply_rotary_pos_emb",
    ),
    "transformers-nanochat": _LLAMA.variant(
        "transformers' nanochat: as Llama, and by the negative angle, which its checkpoints were trained with.",
        {"direction": -1},
        function="transformers.models.nanochat.modeling_nanochat:apply_rotary_pos_emb",
    ),
    "transformers-deepseek-v3": _LLAMA.variant(
        "transformers' DeepSeek-V3: interleaved pairs, written as halves; tables as Llama's.",
        {"pairing": "interleaved", "table_lanes": "half", "output_lanes": "de-interleaved"},
        function="transformers.models.deepseek_v3.modeling_deepseek_v3:apply_rotary_pos_emb_interleave",
    ),
    "transformers-gptj": _LLAMA.variant(
        "transformers' GPT-J: one tensor, interleaved pairs, sin before cos, tables of half the width.",
        {"pairing": "interleaved", "tables": "half-width", "arguments": ("x", "sin", "cos")},
        function="transformers.models.gptj.modeling_gptj:apply_rotary_pos_emb",
        parameters="tensor, sin, cos",
    ),
    "transformers-llama4": _LLAMA.variant(
        "transformers' Llama 4: q and k read as complex numbers, multiplied by complex tables (B, S, D/2).",
        {"pairing": "interleaved", "tables": "complex", "arguments": ("q", "k", "table")},
        function="transformers.models.llama4.modeling_llama4:apply_rotary_emb",
        parameters="xq, xk, freqs_cis",
    ),
    "transformers-qwen2-vl": Library(
        "transformers' Qwen2-VL: its module makes M-RoPE's tables of positions, its function applies them.",
        TRANSFORMERS,
        "transformers.models.qwen2_vl.modeling_qwen2_vl:apply_rotary_pos_emb",
        "q, k, cos, sin, unsqueeze_dim=",
        Convention(
            "half",
            "bshd",
            "positions",
            arguments=("q", "k", "positions"),
            positions="any",
            position_axes="bs",
            head_dim=64,
        ),
        adapter="qwen2_vl:of_positions",
    ),
    "diffusers": _DIFFUSERS,
    "diffusers-half": _DIFFUSERS.variant(
        "diffusers' `apply_rotary_emb` with `use_real_unbind_dim=-2`: half pairing.",
        {
            "pairing": "half",
            "arguments": (*_DIFFUSERS.convention.arguments, "use_real_unbind_dim=-2"),
        },
        parameters="x, freqs_cis, sequence_dim=, use_real_unbind_dim=",
    ),
    "diffusers-complex": _DIFFUSERS.variant(
        "diffusers' `apply_rotary_emb` with `use_real=False`: complex tables, of each batch row or of all.",
        {"tables": "complex", "table_axes": "bsw", "arguments": ("x", "table", "use_real=False")},
        parameters="x, freqs_cis, use_real=",
    ),
    # its class's `rotate_queries_or_keys` makes positions in the dtype of q: see `context`
    "rotary-embedding-torch": Library(
        "rotary-embedding-torch's `apply_rotary_emb`: angles, each twice, and one tensor (B, H, S, D).",
        Package("rotary-embedding-torch", "rotary_embedding_torch", "0.9.1"),
        "rotary_embedding_torch:apply_rotary_emb",
        "freqs, t",
        Convention(
            "interleaved", "bhsd", "angles-repeated", table_axes="sw", arguments=("table", "x")
        ),
    ),
    "fair-esm": Library(
        "ESM-2's `apply_rotary_pos_emb`, of the protein models: heads folded into the batch, half pairing.",
        Package("fair-esm", "esm", "2.0.0"),
        "esm.rotary_embedding:apply_rotary_pos_emb",
        "x, cos, sin",
        Convention("half", "bsd", "repeated", table_axes="1sw", arguments=("x", "cos", "sin")),
        alone=True,
    ),
    "megatron-core": _MEGATRON,
    "megatron-core-interleaved": _MEGATRON.variant(
        "Megatron-Core's `apply_rotary_pos_emb` with `rotary_interleaved`, without fusion.",
        {"pairing": "interleaved"},
    ),
    "torch-onnx": _TORCH_ONNX,
    "torch-onnx-interleaved": _TORCH_ONNX.variant(
        "`torch.onnx.ops.rotary_embedding` with `interleaved=True`.",
        {
            "pairing": "interleaved",
            "arguments": (*_TORCH_ONNX.convention.arguments, "interleaved=True"),
        },
        parameters=f"{_TORCH_ONNX.parameters}, interleaved=",
    ),
    "onnx-reference": Library(
        "ONNX's own `ReferenceEvaluator` of the operator RotaryEmbedding (opset 23), in NumPy: half pairing.",
        ONNX,
        "onnx.reference:ReferenceEvaluator",
        "proto",
        _TORCH_ONNX.convention,
        runs_on="cpu",
        adapter="onnx_operator:evaluate",
        no_dtype={"float64": "the operator RotaryEmbedding has no float64"},
        no_gradient=FOR_NUMPY,
        no_trace=FOR_NUMPY,
    ),
    "onnxruntime": _ONNXRUNTIME,
    "onnxruntime-contrib": _ONNXRUNTIME.variant(
        "ONNX Runtime's older `com.microsoft` RotaryEmbedding, here interleaved: the ids come before cos and sin.",
        {"pairing": "interleaved"},
        adapter="onnx_operator:run_contrib_session",
    ),
    "mlx": _MLX,
    "mlx-traditional": _MLX.variant(
        "MLX's `mx.fast.rope` with `traditional=True`: interleaved pairs.",
        {"pairing": "interleaved"},
    ),
    "fla": _FLA,
    "fla-interleaved": _FLA.variant(
        "flash-linear-attention's `rotary_embedding` with `interleaved=True`.",
        {"pairing": "interleaved", "arguments": (*_FLA.convention.arguments, "interleaved=True")},
        parameters=f"{_FLA.parameters}, interleaved=",
    ),
    "flash-attn-interleaved": Library(
        "flash-attn's Triton kernel with `interleaved=True`; `flash-attn` is the half one.",
        Package("flash-attn", "flash_attn", "2.8.3.post2", "flash-attn --no-build-isolation"),
        "flash_attn.layers.rotary:apply_rotary_emb",
        "x, cos, sin, interleaved=, seqlen_offsets=",
        Convention(
            "interleaved",
            "bshd",
            "half-width",
            takes_offset=True,
            arguments=("x", "cos", "sin", "interleaved=True", "seqlen_offsets=offset"),
        ),
        triton=True,
        adapter="flash_attn:usable",
    ),
    # It reads the left half of the tables' lanes. Where q and k lie in memory as (B, S, H, D) it
    # writes into them, and its backward into the gradient that it is given; else it copies.
    "liger": Library(
        "Liger-Kernel's `liger_rotary_pos_emb`: a Triton kernel for q and k (B, H, S, D), half pairing.",
        Package("liger-kernel", "liger_kernel", "0.8.5"),
        "liger_kernel.transformers.rope:liger_rotary_pos_emb",
        "q, k, cos, sin",
        Convention(
            "half", "bhsd", "repeated", table_axes="bsw", arguments=("q", "k", "cos", "sin")
        ),
        runs_on="cuda",
        triton=True,
    ),
    # V goes into a cache as it is, and is left out here
    "xformers": Library(
        "xformers' `rope_padded`: a Triton kernel that rotates q, and rotates k into a cache; interleaved pairs. "
        "It computes the angles itself, of any positions.",
        Package("xformers", "xformers", "0.0.35"),
        "xformers.ops.rope_padded:rope_padded",
        "xq, xk, xv, cache_k, cache_v, attn_bias, theta=, seqpos=",
        Convention(
            "interleaved",
            "bshd",
            "positions",
            arguments=("q", "k", "positions"),
            positions="any",
            position_axes="bs",
        ),
        triton=True,
        adapter="xformers:with_caches",
        no_gradient="xformers' rope_padded raises for tensors that ask for a gradient: it is for inference",
    ),
    # where q and k lie in memory as (B, S, H, D) it writes into them
    "unsloth": Library(
        "unsloth's `fast_rope_embedding`: a Triton kernel for q and k (B, H, S, D), half pairing, tables (S, D).",
        Package("unsloth", "unsloth", "2026.10.9"),
        "unsloth.kernels.rope_embedding:fast_rope_embedding",
        "Q, K, cos, sin",
        Convention("half", "bhsd", "repeated", table_axes="sw", arguments=("q", "k", "cos", "sin")),
        runs_on="cuda",
    ),
    "vllm": _VLLM,
    "sgl-kernel": _VLLM.variant(
        "SGLang's kernel: as vLLM's, with a table in float32 whatever q is.",
        {},
        package=Package("sgl-kernel", "sgl_kernel", "0.3.21"),
        function="sgl_kernel:apply_rope_with_cos_sin_cache_inplace",
        adapter="float32_table:cast",
        dtypes=NARROW,
        no_gradient="sgl-kernel has no formula for autograd: it is for inference",
    ),
    "flashinfer": _FLASHINFER,
    "flashinfer-pos-ids": Library(
        "flashinfer's `apply_rope_pos_ids`: a CUDA kernel that computes the angles of q and k (T, H, D) itself.",
        FLASHINFER,
        "flashinfer.rope:apply_rope_pos_ids",
        "q, k, pos_ids",
        Convention(
            "half",
            "thd",
            "positions",
            arguments=("q", "k", "positions"),
            positions="any",
            position_axes="s",
        ),
        runs_on="cuda",
        adapter="flashinfer:int32_positions",
        dtypes=NARROW,
        no_gradient=_FLASHINFER.no_gradient,
    ),
    "transformer-engine": _TRANSFORMER_ENGINE,
    "transformer-engine-unfused": _TRANSFORMER_ENGINE.variant(
        "Transformer Engine's `apply_rotary_pos_emb` without fusion: tensor operations, on any device.",
        {"arguments": ("x", "table")},
        parameters="t, freqs",
        runs_on="any device",
        adapter="transformer_engine:without_extension",
        dtypes=(),
    ),
    # to be built; PyPI's `apex` is something else
    "apex": Library(
        "NVIDIA apex's `fused_apply_rotary_pos_emb`: a CUDA kernel for one tensor (S, B, H, D) and angles.",
        Package(
            "apex",
            "fused_rotary_positional_embedding",
            "17050e5",
            "--no-build-isolation git+https://github.com/NVIDIA/apex",
        ),
        "apex.transformer.functional.fused_rope:fused_apply_rotary_pos_emb",
        "t, freqs",
        _MEGATRON.convention,
        runs_on="cuda",
        dtypes=UP_TO_FLOAT32,
    ),
}
