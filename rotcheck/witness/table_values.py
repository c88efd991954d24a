"""Is a tensor a table of a rotation? Its values tell: cos and sin, or complex numbers."""

import torch
from torch import Tensor

LARGEST = 64.0  # of an amplitude: a mask has larger numbers
FEW_VALUES = 4  # that differ: a table has as many at least
UNEVEN = 0.02  # relative: what bfloat16 leaves of cos² + sin²


def are_cos_and_sin(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors are cos and sin of the same angles, times one amplitude, and differ
    from row to row; in whichever order."""
    if first.shape != second.shape or first.dim() < 2 or not first.is_floating_point():
        return False
    if not second.is_floating_point() or first is second:
        return False
    return _is_circle(torch.hypot(first.detach().double(), second.detach().double()), first)


def is_complex_table(table: Tensor) -> bool:
    """Whether a tensor holds the complex numbers of a rotation."""
    return table.is_complex() and table.dim() >= 2 and _is_circle(table.detach().abs(), table)


def is_joint_table(table: Tensor) -> bool:
    """Whether a tensor holds cos and sin side by side in its last axis, or stacked in one of 2."""
    if not table.is_floating_point() or table.dim() < 2 or table.shape[-1] < 4:
        return False
    halves = table.detach().chunk(2, -1) if table.shape[-1] % 2 == 0 else ()
    stacks = [table.detach().unbind(axis) for axis, size in enumerate(table.shape) if size == 2]
    even_odd = (table.detach()[..., ::2], table.detach()[..., 1::2])
    pairs = [halves, *stacks, even_odd if table.shape[-1] % 2 == 0 else ()]
    return any(len(pair) == 2 and are_cos_and_sin(*pair) for pair in pairs)


def _is_circle(lengths: Tensor, values: Tensor) -> bool:
    """Whether all lengths are one amplitude, and the values are not one constant."""
    lengths = lengths.double()
    if not lengths.numel() or not bool(torch.isfinite(lengths).all()):
        return False
    amplitude = float(lengths.mean())
    if not 0.05 < amplitude < LARGEST or bool(
        (lengths - amplitude).abs().max() > UNEVEN * amplitude
    ):
        return False
    parts = torch.view_as_real(values) if values.is_complex() else values
    return int(parts.detach().flatten().sort().values.diff().count_nonzero()) >= FEW_VALUES


def table_places(results: dict[str, Tensor]) -> tuple[str, ...]:
    """Which of several tensors are tables, by their places."""
    places: list[str] = []
    names = list(results)
    for index, name in enumerate(names):
        table = results[name]
        following = names[index + 1] if index + 1 < len(names) else None
        if following is not None and are_cos_and_sin(table, results[following]):
            places += [name, following]
        elif name not in places and (is_complex_table(table) or is_joint_table(table)):
            places.append(name)
    return tuple(dict.fromkeys(places))


def fingerprint(tensor: Tensor) -> tuple[tuple[int, ...], float]:
    """What tells a table again after it was cast, sliced by nothing, or given axes of 1."""
    values = tensor.detach()
    values = torch.view_as_real(values) if values.is_complex() else values
    shape = tuple(size for size in tensor.shape if size != 1)
    return shape, round(float(values.double().abs().sum()), 1)
