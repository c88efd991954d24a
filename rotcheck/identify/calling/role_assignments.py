"""Sensible choices of a role for each argument of a call."""

from collections.abc import Iterator, Sequence
from itertools import islice

from rotcheck.convention import role_named
from rotcheck.convention.roles import JOINED
from rotcheck.identify.calling.argument_roles import ANY_ROLE, PLACES, TABLES, TENSORS, Template

COUNTS = (3, 4, 2, 1, 5)  # of arguments, likeliest first
_TABLES: tuple[set[str], ...] = ({"table"}, {"cos", "sin"}, *({name} for name in JOINED))
_GROUPS: tuple[set[str], ...] = (
    set(),
    {"offsets"},
    *(tables | places for tables in (set(), *_TABLES) for places in ({"positions"}, {"offset"})),
    *_TABLES,
)
_COMMON: tuple[Template, ...] = (
    ("x",),
    ("q", "k"),
    ("x", "table"),
    ("x", "positions"),
    ("table", "x"),
    ("(cos, sin)", "x"),
    ("x", "(cos, sin)"),
    ("cos", "sin", "x"),
    ("table", "q", "k"),
    ("x", "cos", "sin"),
    ("q", "k", "table"),
    ("qkv", "cos", "sin"),
    ("q", "k", "positions"),
    ("q", "k", "(cos, sin)"),
    ("q", "k", "cos", "sin"),
    ("x", "cos", "sin", "positions"),
    ("q", "k", "v", "cos", "sin"),
    ("q", "k", "cos", "sin", "positions"),
)
_INPUTS = ({"x"}, {"qkv"}, {"q"}, {"q", "k"}, {"q", "k", "v"})


def assignments(roles_of: Sequence[tuple[str, ...]]) -> Iterator[Template]:
    """Yield every sensible choice of a role for each argument, of those that each may have."""
    blind = any(len(of_argument) >= len(ANY_ROLE) for of_argument in roles_of)
    yield from _complete(roles_of, (), blind)


def blind_assignments(most: int) -> list[Template]:
    """As many calls of arguments whose names say nothing,
    the commonest of each number of arguments first."""
    return [
        template for count in COUNTS for template in islice(_of_count(count), most // len(COUNTS))
    ]


def _of_count(count: int) -> Iterator[Template]:
    yield from (template for template in _COMMON if len(template) == count)
    yield from assignments([ANY_ROLE] * count)


def _complete(
    roles_of: Sequence[tuple[str, ...]], prefix: Template, blind: bool
) -> Iterator[Template]:
    if len(prefix) == len(roles_of):
        template = _with_usual_names(prefix)
        if _is_sensible(template):
            yield template
        return
    for role in roles_of[len(prefix)]:
        duplicate = role in prefix and not role_named(role).free
        # which is which is read off the response
        backwards = blind and role == "cos" and "sin" in prefix
        if not duplicate and not backwards:
            yield from _complete(roles_of, (*prefix, role), blind)


def _with_usual_names(template: Template) -> Template:
    """Call a lone q, k or v `x`, and an x beside k `q`."""
    if len([role for role in template if role in TENSORS]) == 1:
        return tuple("x" if role in ("q", "k", "v") else role for role in template)
    if "k" in template:
        return tuple("q" if role == "x" else role for role in template)
    return tuple("x" if role == "q" else role for role in template)


def _is_sensible(template: Template) -> bool:
    if "rows" in template and "mask" not in template:
        return False
    inputs = {role for role in template if role in TENSORS}
    extras = {role for role in template if role in (*TABLES, *PLACES)}
    roles_once = [role for role in template if not role_named(role).free]
    order = [role for role in template if role in ("q", "k", "v")]
    return (
        len(roles_once) == len(inputs) + len(extras)  # none twice
        and inputs in _INPUTS
        and extras in _GROUPS
        and order == sorted(order, key="qkv".index)
    )
