"""How a function is called, in words that whoever reads an exception can follow:
arguments and their shapes."""

from rotcheck.convention import Convention, role_named, shape
from rotcheck.convention.calls import keyword_roles
from rotcheck.convention.roles import Role


def call_with_shapes(convention: Convention) -> str:
    """A call in words: `f(q, k, cos, sin) with q and k (B, S, H, D), cos and sin (B, S, D)`."""
    arguments = keyword_roles(convention.called_with)
    call = ", ".join(f"{name}={role}" if name else role for name, role in arguments)
    roles_by_shape: dict[str, list[str]] = {}
    for _, role in arguments:
        axes = _shape(role, convention)
        if axes:
            roles_by_shape.setdefault(axes, []).append(role)
    shapes = ", ".join(f"{' and '.join(roles)} {axes}" for axes, roles in roles_by_shape.items())
    return f"f({call}) with {shapes}"


def _shape(role: str, convention: Convention) -> str | None:
    kind = role_named(role)
    if kind.group == "tensor":
        return shape(convention.axes)
    if kind.group == "table":
        return _table_shape(kind, convention)
    return shape(convention.position_axes) if role == "positions" else kind.shape


def _table_shape(role: Role, convention: Convention) -> str:
    form = convention.form
    doubles = role.join is not None and role.join.doubles_lanes
    lanes = "D" if convention.rotary_dim is None else str(convention.rotary_dim)
    if form.repeats == doubles:
        lanes = f"2*{lanes}" if doubles else f"{lanes}/2"
    axes = shape(role.axes_of(convention.all_table_axes), lanes, form.tail)
    return f"{axes} of {form.words}" if form.words else axes
