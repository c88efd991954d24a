"""What an argument may be, by its name: where to begin trying, never what is believed."""

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import Names, said

Roles = tuple[str, ...]

JOINED: Roles = ("(cos, sin)", "cos+sin", "cos|sin", "[cos, sin]")

_ROLES: tuple[tuple[Names, Roles], ...] = (
    (vocabulary.QKV, ("qkv",)),
    (vocabulary.COS_AND_SIN, (*JOINED, "table")),
    (vocabulary.EMBEDDINGS, (*JOINED, "table")),
    (vocabulary.COS, ("cos",)),
    (vocabulary.SIN, ("sin",)),
    (vocabulary.QUERY, ("q", "x")),
    (vocabulary.KEY, ("k",)),
    (vocabulary.VALUE, ("v",)),
    (vocabulary.POSITIONS, ("positions", "table", "cos|sin", "(cos, sin)", "cos+sin")),
    (vocabulary.SECTIONS, ("sections",)),
    (vocabulary.DEVICE, ("device",)),
    (vocabulary.SEQUENCE_STARTS, ("cu_seqlens",)),
    (vocabulary.MASK, ("mask",)),
    (vocabulary.OFFSET, ("offset", "offsets", "positions", "rows")),
    (vocabulary.SEQUENCE_AXIS, ("axis", "D")),
    (vocabulary.ROTARY_DIM, ("R", "D")),
    (vocabulary.HEADS, ("H",)),
    (vocabulary.BATCH, ("B",)),
    (vocabulary.LENGTH, ("S",)),
    (vocabulary.HEAD_DIM, ("D",)),
    (vocabulary.INVERSE_FREQUENCIES, ("inv_freq", "table")),
    (vocabulary.FREQUENCIES, ("table", *JOINED, "inv_freq")),
    (vocabulary.TABLE, ("table", *JOINED)),
    (vocabulary.TENSOR, ("x", "q", "table")),
    (vocabulary.PAIRING, ("True", "False")),
)

ANY_ROLE = (
    "x",
    "k",
    "cos",
    "sin",
    "table",
    "positions",
    "v",
    "(cos, sin)",
    "cos+sin",
    "qkv",
    "S",
    "D",
)


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
    if name == "s":
        return ("sin", "S")
    if name in ("B", "S", "H", "D"):
        return (name,)
    return next((found for names, found in _ROLES if said(name, names)), ANY_ROLE)
