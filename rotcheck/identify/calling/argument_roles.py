"""What an argument may be, by its name: where to begin trying, never what is believed."""

from rotcheck.convention import vocabulary
from rotcheck.convention.roles import NUMBERS, of_group, roles_by_name
from rotcheck.convention.vocabulary import is_named

Template = tuple[str, ...]
"""A call: the role of each argument, `name=` in front of one that is passed by keyword."""

TENSORS, TABLES, PLACES = of_group("tensor"), of_group("table"), of_group("place")
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
    """The roles that an argument of this name may have, likeliest first;
    all roles for a name that says nothing.

    `kind`: its annotation; an int is a size, a flag is tried both ways.
    """
    by_name = _by_name(name)
    if kind in (int, "int"):
        numbers = [role for role in by_name if role in NUMBERS and by_name is not ANY_ROLE]
        if not numbers and is_named(name, vocabulary.BASE):
            return ("10000",)
        return tuple(dict.fromkeys(numbers + list(NUMBERS)))
    if kind in (bool, "bool"):
        return ("True", "False") if "neox" in name or "half" in name else ("False", "True")
    if kind in (float, "float"):
        return ("10000.0", "1.0")
    return by_name


def _by_name(name: str) -> tuple[str, ...]:
    if name == "s":
        return ("sin", "S")
    if name in ("B", "S", "H", "D"):
        return (name,)
    flag = ("True", "False") if is_named(name, vocabulary.PAIRING) else ANY_ROLE
    return roles_by_name(name) or flag
