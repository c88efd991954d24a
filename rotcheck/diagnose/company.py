"""Whether a word that names rotary code is meant so:
cos, freqs, rope and rotary also stand for other things."""

import re

from rotcheck.rotary_names import NAME

# rotations, spectra, ropes, knobs
_ELSEWHERE = frozenset(("cos", "sin", "freqs", "rope", "rotary"))
_ALONE = re.compile(
    r"rotary_?(?:pos|emb|dim|ndim|pct|percent|seq|freq|base|interleave)|apply_(?:multimodal_)?rot|rotate_(?:half|every|quer)"
    r"|inv_freq|freqs_(?:cis|cos|sin)|apply_rope|rope_(?:theta|scaling|type|freq|cos|sin|emb|cache|param|init)"
    r"|flash_attn|(?:cos|sin)_(?:cached?|sin|table)|\b[qk]\w* ?\* ?(?:self\.)?cos"
    # a module of a model
    r"|(?<!\w)(?:(?:apply|fused|triton|axial|vision|yarn|long)_|m)?(?:rotary|rope)"
    r"(?:_(?:emb\w*|pos\w*|utils?|kernels?|layers?|ops|triton|torch|[123n]d))?\.py",
    re.IGNORECASE,
)
_COMPANY = re.compile(
    r"attn|attention|transformers/models|modeling_|decoder_?layer|position(?!al)|\bquer(?:y|ies)\b|\bx?q\b.{1,60}\bx?k\b"
    r"|llama|qwen|mistral|mixtral|gemma|gpt|deepseek|head_dim",
    re.IGNORECASE,
)
_NAME = re.compile(NAME, re.IGNORECASE)
_TABLE = re.compile(r"(?<![a-z])(?:freqs|cos|sin)(?![a-z])", re.IGNORECASE)


def means_rotary(word: str, line: str, around: str) -> bool:
    """Whether a word of a line is rotary's, by the line itself and by what stands around it."""
    if word.lower() not in _ELSEWHERE:
        return True
    together = _NAME.search(line) and _TABLE.search(line)
    return bool(together or _ALONE.search(around) or _COMPANY.search(around))
