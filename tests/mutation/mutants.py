"""One slip at a time in the source of a function and of the helpers that it calls, by rule."""

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import torch
from slips import slips
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Mutant:
    """A function with one slip in it, which rule made it, and the line as it stands then."""

    rule: str
    line: str
    function: Callable[..., Any]


def mutants(function: Callable[..., Any]) -> Iterator[Mutant]:
    """Yield every mutant of a Python function whose source can be compiled
    in its module's names."""
    own = _parsed(function)
    for name in own:
        for number in range(sum(1 for _ in slips(copy.deepcopy(own[name])))):
            trees = {each: copy.deepcopy(tree) for each, tree in own.items()}
            rule, line = _apply(trees[name], number)
            made = _made(function, trees)
            if made is not None:
                yield Mutant(rule, line, made)


def _apply(tree: ast.FunctionDef, number: int) -> tuple[str, str]:
    """Make the slip of a number in a tree; return its rule and the line that it makes."""
    for at, (rule, node, change) in enumerate(slips(tree)):
        if at == number:
            change()
            ast.fix_missing_locations(tree)
            lines = ast.unparse(tree).splitlines()
            return rule, next(
                (one for one in lines[1:] if _unparsed(node) in one), lines[0]
            ).strip()
    raise IndexError(number)


def _unparsed(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0]


def _parsed(function: Callable[..., Any]) -> dict[str, ast.FunctionDef]:
    """Return the trees of a function and of the functions of its module that it calls,
    by their names."""
    found: dict[str, ast.FunctionDef] = {}
    waiting = [inspect.unwrap(function)]
    for one in waiting:
        tree = ast.parse(textwrap.dedent(inspect.getsource(one))).body[0]
        assert isinstance(tree, ast.FunctionDef), f"{one} is no plain function"
        tree.decorator_list = []
        tree.returns = None
        if ast.get_docstring(tree) is not None:
            tree.body = tree.body[1:]
        found[one.__name__] = tree
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for name in sorted(names - set(found)):
            helper = one.__globals__.get(name)
            if isinstance(helper, FunctionType) and helper.__module__ == one.__module__:
                waiting.append(inspect.unwrap(helper))
    return found


def _tiled(x: Tensor, repeats: int, dim: int = -1) -> Tensor:
    """Repeat all of the lanes, where each of them is to be repeated."""
    return torch.cat([x] * repeats, dim)


def _made(
    function: Callable[..., Any], trees: dict[str, ast.FunctionDef]
) -> Callable[..., Any] | None:
    names = {**inspect.unwrap(function).__globals__, "_same": lambda x: x, "_tiled": _tiled}
    for tree in trees.values():
        try:
            exec(compile(ast.unparse(tree), "<mutant>", "exec"), names)
        except (SyntaxError, NameError):  # nothing is left of its body; a default that is no name
            return None
    made = names[inspect.unwrap(function).__name__]
    made.__doc__ = function.__doc__
    return made
