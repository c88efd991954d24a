"""Whether tensors share memory, worked out from their addresses,
sizes and strides without touching it."""

from collections import Counter
from functools import lru_cache

from torch import Tensor

Shape = tuple[int, ...]
Steps = tuple[tuple[int, int], ...]  # (stride, how often at most), the longest stride first


def coincide(first: Tensor, second: Tensor) -> bool:
    """Whether tensors of one shape and dtype hold each element at the same address."""
    sizes = zip(first.shape, first.stride(), second.stride(), strict=True)
    return first.data_ptr() == second.data_ptr() and all(
        size == 1 or first_stride == second_stride for size, first_stride, second_stride in sizes
    )


def meet(first: Tensor, second: Tensor) -> bool:
    """Whether any byte belongs to both; exact,
    so that slices of one buffer may lie between each other."""
    if not first.numel() or not second.numel():
        return False
    a, end_a = _bytes(first.shape, first.stride(), first.element_size())
    b, end_b = _bytes(second.shape, second.stride(), second.element_size())
    distance = second.data_ptr() - first.data_ptr()
    if not -end_b <= distance <= end_a:
        return False
    most: Counter[int] = Counter()
    for stride, often in (*a, *b):
        most[stride] += often
    return _makes(distance + end_b, tuple(sorted(most.items(), reverse=True)))


def folds(tensor: Tensor) -> bool:
    """Whether two elements of a tensor share an address, as in an expanded one."""
    return _folds(tensor.shape, tensor.stride())


@lru_cache(maxsize=1024)
def _folds(shape: Shape, strides: Shape) -> bool:
    steps = _steps(shape, strides)
    for at, (stride, often) in enumerate(steps):
        # forwards and backwards
        shorter = tuple((step, 2 * times) for step, times in steps[at + 1 :])
        reach = _reach(steps[at + 1 :])
        if stride == 0:
            return True
        most = min(often, reach // stride)
        if any(_makes(times * stride + reach, shorter) for times in range(1, most + 1)):
            return True
    return False


@lru_cache(maxsize=1024)
def _bytes(shape: Shape, strides: Shape, item: int) -> tuple[Steps, int]:
    """The steps in bytes, and where the last byte lies."""
    steps = (*((stride * item, often) for stride, often in _steps(shape, strides)), (1, item - 1))
    return steps, _reach(steps)


def _steps(shape: Shape, strides: Shape) -> Steps:
    sizes = zip(strides, shape, strict=True)
    return tuple(sorted(((stride, size - 1) for stride, size in sizes if size > 1), reverse=True))


def _reach(steps: Steps) -> int:
    return sum(stride * often for stride, often in steps)


@lru_cache(maxsize=4096)
def _makes(distance: int, steps: Steps) -> bool:
    """Whether a distance is a sum of these strides, each taken as often as it may be."""
    if not steps:
        return distance == 0
    (stride, often), shorter = steps[0], steps[1:]
    if stride == 0:
        return _makes(distance, shorter)
    least = max(0, -((_reach(shorter) - distance) // stride))
    most = min(often, distance // stride)
    return any(_makes(distance - times * stride, shorter) for times in range(least, most + 1))
