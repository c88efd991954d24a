"""What a name in a file stands for: through `import ... as`, `from ... import`
and plain assignments."""

import ast
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from rotcheck.scan.syntax import Import

if TYPE_CHECKING:
    from rotcheck.scan.module import Module

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module
DEEPEST = 20  # names that lead to names


class Scopes:
    """The names that each function of a file, and the file itself, binds."""

    def __init__(self, module: "Module") -> None:
        self._module = module

    def name(self, node: ast.AST, depth: int = 0) -> str:
        """The dotted name that an expression stands for; empty for what is no name."""
        if isinstance(node, ast.Attribute):
            front = self.name(node.value, depth)
            return f"{front}.{node.attr}" if front else ""
        if not isinstance(node, ast.Name):
            return ""
        return self._meaning(node, depth) if depth < DEEPEST else node.id

    def _meaning(self, node: ast.Name, depth: int) -> str:
        for scope in self._around(node):
            if node.id in self._imports.get(scope, {}):
                return self._imports[scope][node.id]
            if node.id in self._bindings.get(scope, {}):
                value = self._bindings[scope][node.id]
                return (value is not None and self.name(value, depth + 1)) or node.id
        return node.id

    def _around(self, node: ast.AST) -> list[Scope]:
        return [above for above in self._module.ancestors(node) if isinstance(above, Scope)]

    @cached_property
    def _imports(self) -> dict[Scope, dict[str, str]]:
        names: dict[Scope, dict[str, str]] = defaultdict(dict)
        plain, others = self._module.nodes(ast.Import), self._module.nodes(ast.ImportFrom)
        nodes: list[Import] = [*plain, *others]
        for node in nodes:
            names[self._around(node)[0]].update(_meanings(node))
        return names

    @cached_property
    def _bindings(self) -> dict[Scope, dict[str, ast.expr | None]]:
        """What each scope binds without importing it:
        a name that is assigned once has that value, the rest None."""
        names: dict[Scope, dict[str, ast.expr | None]] = defaultdict(dict)
        for node in self._module.nodes(ast.Name):
            if isinstance(node.ctx, ast.Store) and not self._in_class(node):
                scope = names[self._around(node)[0]]
                scope[node.id] = None if node.id in scope else self._value(node)
        for argument in self._module.nodes(ast.arg):
            names[self._around(argument)[0]][argument.arg] = None
        return names

    def _value(self, node: ast.Name) -> ast.expr | None:
        above = self._module.parent(node)
        if isinstance(above, ast.Assign) and node in above.targets:
            return above.value
        return above.value if isinstance(above, ast.AnnAssign) and above.target is node else None

    def _in_class(self, node: ast.AST) -> bool:
        scopes = (
            above
            for above in self._module.ancestors(node)
            if isinstance(above, Scope | ast.ClassDef)
        )
        return isinstance(next(scopes), ast.ClassDef)


def _meanings(node: Import) -> dict[str, str]:
    """The dotted name that each name stands for which an import binds."""
    if isinstance(node, ast.ImportFrom):
        front = "." * node.level + (f"{node.module}." if node.module else "")
        return {alias.asname or alias.name: f"{front}{alias.name}" for alias in node.names}
    pairs = ((alias.asname, alias.name) for alias in node.names)
    return dict((name, full) if name else (full.partition(".")[0],) * 2 for name, full in pairs)
