"""What an argument may be, by its name: where to begin trying, never what is believed."""

from rotcheck.convention import vocabulary
from rotcheck.convention.roles import NUMBERS, roles_by_name
from rotcheck.convention.vocabulary import said

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
    known = roles_by_name(name)
    if known:
        return known
    return ("True", "False") if said(name, vocabulary.PAIRING) else ANY_ROLE
