"""Rotations that have no function of their own, among the operations of one frame."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rotcheck.witness.call_record import TensorTurn, tensors_in
from rotcheck.witness.circular_tensors import CircularTensors
from rotcheck.witness.turning import Turn, find_turn, may_turn, repeats

MOST_OPERATIONS = 400  # of one frame: a rotation stands near its beginning
MOST_ANCESTORS = 64
FEWEST_LANES = 8
MOST_AMPLITUDE = 4.0
MOST_ELEMENTS = 1 << 22  # of a tensor that is kept
_PRODUCTS = {
    torch.mul, torch.multiply, Tensor.mul, Tensor.__mul__, Tensor.__rmul__, Tensor.mul_, Tensor.__imul__,
    torch.addcmul, Tensor.addcmul, Tensor.addcmul_, torch.einsum, torch.polar,
}  # fmt: skip
_WRITES = {Tensor.__setitem__, Tensor.copy_, Tensor.mul_, Tensor.__imul__, Tensor.addcmul_}
_MIXERS = {
    torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, Tensor.bmm, functional.linear,
    functional.scaled_dot_product_attention, functional.softmax, torch.softmax, Tensor.softmax,
}  # fmt: skip


@dataclass(slots=True)
class _Node:
    """A tensor, and what it was made of."""

    tensor: Tensor
    parents: tuple[int, ...]
    product: bool  # whether a product of elements is in it
    is_turn: bool = False


class FrameOperations:
    """The operations of one Python frame: which tensor was made of which."""

    def __init__(self, circles: CircularTensors | None = None) -> None:
        self._circles = CircularTensors() if circles is None else circles
        self._nodes: dict[int, _Node] = {}
        self._products: list[tuple[int, ...]] = []  # the operands of each product
        self._inputs: set[int] = set()
        self._has_circles = False
        self._copies = 0

    @property
    def complete(self) -> bool:
        """Whether no operation was left out."""
        return len(self._nodes) < MOST_OPERATIONS

    def copy_before(self, func: Any, args: Sequence[Any]) -> Tensor | None:
        """A copy of the tensor that an operation writes into; None: it writes into none."""
        if func in _WRITES and self.complete and _is_kept(args[0]):
            copy: Tensor = args[0].detach().clone()
            return copy
        return None

    def add(self, func: Any, values: Sequence[Any], result: Any, before: Tensor | None) -> None:
        """Keep what an operation made.

        Args:
            func: the operation.
            values: its arguments.
            result: what it returned.
            before: what `copy_before` returned.
        """
        tensors = [x for _, x in tensors_in(list(values))]
        self._inputs |= {id(x) for x in tensors}
        if not self.complete or func in _MIXERS:
            return
        parents = self._keys(tensors)
        if not parents:
            return
        product = func in _PRODUCTS
        if product:
            self._products.append(parents)
        if before is not None:
            self._add_write(values[0], parents, product, before)
            return
        self._has_circles |= self._circles.follow(func, tensors, result)
        for _, x in tensors_in(result):
            if id(x) not in parents:
                self._add_node(id(x), x, parents, product)

    def add_call(
        self, arguments: Mapping[str, Any], result: Any, operations: "FrameOperations"
    ) -> None:
        """Keep that a Python call, with its own operations, made its result of its arguments."""
        tensors = [x for _, x in tensors_in(list(arguments.values()))]
        self._inputs |= operations._inputs & {id(x) for x in tensors}
        if self.complete:
            parents = self._keys(tensors)
            for _, x in tensors_in(result):
                if id(x) not in self._nodes:
                    self._add_node(id(x), x, parents, operations._has_circles)

    def reads(self, tables: Sequence[Tensor]) -> bool:
        """Whether an operation, of this frame or of a call in it, took one of several tensors."""
        return bool({id(x) for x in tables} & self._inputs)

    def may_be_rotation(self, tables: Sequence[Tensor]) -> bool:
        """Whether tables were multiplied with something else, element by element, or not used."""
        roots = {id(x) for x in tables}
        for operands in self._products:
            of_tables = [bool(roots & {key, *self._ancestors(key)}) for key in operands]
            if any(of_tables) and not all(of_tables):
                return True
        return not self.reads(tables)

    def factors_of(self, x: Tensor) -> tuple[list[Tensor], bool]:
        """What a tensor, or what was made of it, was multiplied with, element by element; and
        whether cos and sin of anything are among that."""
        factors: dict[int, Tensor] = {}
        for operands in self._products:
            lines = {key: {key, *self._ancestors(key)} for key in operands}
            if any(id(x) in line for line in lines.values()):
                others = [key for key, line in lines.items() if id(x) not in line]
                factors |= {key: self._nodes[key].tensor for key in others if key in self._nodes}
        circular = any(map(self._circles.holds, factors.values()))
        return list(factors.values()), circular

    def turns(self, variables: Mapping[str, Any]) -> Iterator[TensorTurn]:
        """Yield each tensor of the frame that is an earlier one of it, turned.

        Args:
            variables: of the frame, which give the tensors names.
        """
        turns: dict[int, TensorTurn] = {}
        for key, node in list(self._nodes.items()):
            if not node.product or node.is_turn:
                continue
            ancestors = self._ancestors(key)
            before, turn = self._turn_among(ancestors, node.tensor)
            if turn is None:
                continue
            for part in ancestors:  # what turned before is a part of this one
                if self._nodes[part].tensor.shape != node.tensor.shape:
                    turns.pop(part, None)
            node.is_turn = True
            name = self._name(key, before, variables)
            copy = self._nodes[before].tensor.detach().clone()
            needs_gradient = self._nodes[before].tensor.requires_grad
            fields = ("", None, needs_gradient, node.tensor.grad_fn)
            turns[key] = TensorTurn(name, copy, node.tensor.detach().clone(), turn, *fields)
        yield from turns.values()

    def _turn_among(self, ancestors: Sequence[int], after: Tensor) -> tuple[int, Turn | None]:
        for key in ancestors:
            before = self._nodes[key].tensor
            if not may_turn(before, after):
                continue
            turn = find_turn(before, after)
            if turn is not None and _is_whole(turn):
                return key, turn
        return 0, None

    def _keys(self, tensors: Sequence[Tensor]) -> tuple[int, ...]:
        tensors = [x for x in tensors if _is_kept(x)]
        for x in tensors:
            if id(x) not in self._nodes:
                self._nodes[id(x)] = _Node(x, (), False)
        return tuple(dict.fromkeys(id(x) for x in tensors))

    def _add_node(self, key: int, x: Tensor, parents: tuple[int, ...], product: bool) -> None:
        if _is_kept(x):
            product = product or any(self._nodes[parent].product for parent in parents)
            self._nodes[key] = _Node(x, parents, product)

    def _add_write(
        self, x: Tensor, parents: tuple[int, ...], product: bool, before: Tensor
    ) -> None:
        """The tensor that was written into is made of its copy, and of what was written."""
        node = self._nodes.pop(id(x))
        self._copies -= 1  # no id is negative
        node.tensor = before
        self._nodes[self._copies] = node
        names = {id(x): self._copies}  # what was made of it before was made of the copy
        self._products = [tuple(names.get(key, key) for key in keys) for keys in self._products]
        for earlier in self._nodes.values():
            earlier.parents = tuple(names.get(key, key) for key in earlier.parents)
        rest = tuple(parent for parent in parents if parent != id(x))
        self._add_node(id(x), x, (self._copies, *rest), product)

    def _ancestors(self, key: int) -> list[int]:
        """What a tensor was made of, nearest first; nothing beyond what turned."""
        nodes: dict[int, None] = {}
        queue = [key]
        for entry in queue:
            node = self._nodes[entry]
            for parent in () if node.is_turn and entry != key else node.parents:
                if parent in self._nodes and parent not in nodes and len(nodes) < MOST_ANCESTORS:
                    nodes[parent] = None
                    queue.append(parent)
        return list(nodes)

    def _name(self, key: int, before: int, variables: Mapping[str, Any]) -> str:
        """The variable that holds what turned, or what was made of it, or what it was before."""
        names = {id(x): name + place for name, v in variables.items() for place, x in tensors_in(v)}
        later = [node for node in self._nodes if node in names and key in self._ancestors(node)]
        keys = (key, *later, before, *self._ancestors(before))
        name = next((names[node] for node in keys if node in names), None)
        return name or f"a tensor of {tuple(self._nodes[key].tensor.shape)}"


def _is_whole(turn: Turn) -> bool:
    """Whether enough lanes turn, and by angles that depend on places alone: a weight and its rest
    are no pair."""
    return turn.lanes >= FEWEST_LANES and turn.amplitude < MOST_AMPLITUDE and repeats(turn)


def _is_kept(x: Any) -> bool:
    if not isinstance(x, Tensor) or torch._C._functorch.is_functorch_wrapped_tensor(x):
        return False
    if x.layout != torch.strided or x.device.type == "meta":
        return False
    return (x.is_floating_point() or x.is_complex()) and x.dim() >= 1 and (
        0 < x.numel() <= MOST_ELEMENTS
    )  # fmt: skip
