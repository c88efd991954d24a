"""What an argument may be, by its name: where to begin trying, never what is believed."""

import re

SIZE = "size"

_ROLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"qkv|mixed_x|mixed_layer|packed", ("qkv",)),
    (r"(cos_?(and_?)?_?sin|sin_?cos|sinusoid).*|.*_(cos_sin|sin_cos)", ("(cos, sin)", "cos+sin", "cos|sin", "[cos, sin]", "table")),
    (r"cos.*|.*_cos|cosine.*|c", ("cos",)),
    (r"sin.*|.*_sin|sine.*", ("sin",)),
    (r"s", ("sin", "S")),
    (r"q|q_.*|xq|.*_q|quer(y|ies).*|qs|qh|Q|query_.*|tensor_q|inp_q", ("q", "x")),
    (r"k|k_.*|xk|.*_k|keys?.*|ks|kh|K|tensor_k", ("k",)),
    (r"v|v_.*|xv|.*_v|values?.*|vs|vh|V", ("v",)),
    (r"(position|pos)_?(ids?|idxs?|index|indices)|positions?|input_pos(itions)?|pos|indices|idx|ids|coords?",
     ("positions", "table", "cos|sin", "(cos, sin)", "cos+sin")),
    (r".*offsets?|start.*|begin.*|cache_(pos|position|len).*|past.*len.*|step|prev_len|kv_len", ("offset", "offsets", "positions")),
    (r"(max_?)?(seq|sequence)_?(len|length)?s?|seqlen|len|length|n_?ctx|T|L|n_tokens|num_tokens|max_len.*|q_len|end",
     ("S",)),
    (r"rotary_?(dims?|size|ndims)|rot_?(dims?|size)|n_rot|ndims?", ("R", "D")),
    (r"head_?(dim|size)|d_head|dim_head|hd|head_width", ("D",)),
    (r".*(seq|sequence|time|token)_?(dim|axis)|dim|axis", ("axis", "D")),
    (r".*(rot|rope)[a-z_]*(elem|elems|dims?|size|width|n)|n_elem", ("R", "D")),
    (r"n(um)?_?(q_|kv_)?heads?|n_?h|heads", ("H",)),
    (r"batch(_size)?|bsz|bs", ("B",)),
    (r".*freqs?(_.*)?|.*cis.*|.*(theta|angle|phase|phi|rot|rope|emb|pe|cache|table|mat|matri|complex|phasor|sinu).*",
     ("table", "(cos, sin)", "cos+sin", "cos|sin", "[cos, sin]")),
    (r"x.*|t|tensor.*|inp(ut)?s?.*|hidden.*|states?|u|h|a|feat.*|z|y|data|vec.*|arr.*", ("x", "q", "table")),
)  # fmt: skip

UNKNOWN = ("x", "k", "cos", "sin", "table", "positions", "v", "(cos, sin)", "cos+sin", "qkv", "S", "D")


NUMBERS = ("S", "D", "R", "H", "B", "offset", "axis")


def roles(name: str, kind: object = None) -> tuple[str, ...]:
    """Return what an argument of this name may be, likeliest first; all that there is for a name that says nothing.

    `kind`: its annotation; an int is a size, a flag is tried both ways.
    """
    found = _by_name(name)
    if kind in (int, "int"):
        return tuple(dict.fromkeys([role for role in found if role in NUMBERS] + list(NUMBERS)))
    if kind in (bool, "bool"):
        return ("True", "False") if "neox" in name or "half" in name else ("False", "True")
    if kind in (float, "float"):
        return ("10000.0", "1.0")
    return found


def _by_name(name: str) -> tuple[str, ...]:
    for pattern, found in _ROLES:
        if re.fullmatch(pattern, name) or re.fullmatch(pattern, name.lower()):
            return found
    return UNKNOWN


def says_something(name: str) -> bool:
    """Return whether a name tells what the argument is."""
    return len(name) > 1 and roles(name) is not UNKNOWN
