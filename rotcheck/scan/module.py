"""One file of a project as a tree, and what a rule asks of it:
names, calls, surroundings, conditions."""

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePath
from typing import Any, TypeVar

from rotcheck.results import Hazard
from rotcheck.scan.name_scopes import Scopes
from rotcheck.scan.syntax import Function

Node = TypeVar("Node", bound=ast.AST)
LONGEST = 80  # characters of code in a message
LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)
SIGNS = {
    sign
    for kind in (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
    for sign in kind.__subclasses__()
}
TEST_FOLDERS = {"test", "tests", "testing", "op_tests", "benchmark", "benchmarks"}
EXITS = {"sys.exit", "exit", "quit", "os._exit", "pytest.skip"}


class Module:
    """A file that was read: its text, and its tree with a way up."""

    def __init__(
        self, file: str, source: str, tree: ast.Module, places: tuple[tuple[int, int], ...] = ()
    ) -> None:
        """Find the nodes of a file and what each stands in.

        Args:
            file: its name, as it is shown.
            source: its text.
            tree: the text as parsed.
            places: of a notebook, the cell and the line in it that each line of
                the source comes from.
        """
        self.file, self.source, self.tree = file, source, tree
        self.lines = source.split("\n")
        self._places = places
        self._parents: dict[ast.AST, ast.AST] = {}
        self._nodes: list[ast.AST] = []
        # from where to where the nodes below a node stand in _nodes
        self._spans: dict[ast.AST, tuple[int, int]] = {}
        self._read()
        self._scopes = Scopes(self)

    def _read(self) -> None:
        """Put the nodes in the order of the source; no recursion:
        a thousand additions are nested as deeply."""
        waiting: list[ast.AST | int] = [self.tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, int):  # all below the node of that number have been read
                self._spans[self._nodes[node]] = (node, len(self._nodes))
                continue
            children = _children(node)
            self._parents.update(dict.fromkeys(children, node))
            waiting += [len(self._nodes), *reversed(children)]
            self._nodes.append(node)

    @cached_property
    def is_test(self) -> bool:
        """Whether the file is a test or a benchmark, by its name or its folder's."""
        path = PurePath(self.file)
        is_named_so = path.stem.startswith("test_") or path.stem.endswith("_test")
        return is_named_so or not TEST_FOLDERS.isdisjoint(path.parts[:-1])

    def nodes(self, *kinds: type[Node]) -> Iterator[Node]:
        """Yield every node of these kinds (`ast.If, ast.While` or `ast.If | ast.While`),
        in the order of the source."""
        if len(kinds) == 1 and isinstance(kinds[0], type) and not kinds[0].__subclasses__():
            return iter(self._by_kind.get(kinds[0], []))
        return (node for node in self._nodes if isinstance(node, kinds))

    @cached_property
    def _by_kind(self) -> dict[type[ast.AST], list[Any]]:
        kinds: dict[type[ast.AST], list[Any]] = {}
        for node in self._nodes:
            kinds.setdefault(type(node), []).append(node)
        return kinds

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node that a node stands in."""
        return self._parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes that a node stands in, the innermost first."""
        above = self._parents.get(node)
        while above is not None:
            yield above
            above = self._parents.get(above)

    def within(self, node: ast.AST, *kinds: type[Node]) -> Iterator[Node]:
        """Yield every node of these kinds below a node, that node included,
        in the order of the source."""
        start, end = self._spans[node]
        return (inner for inner in self._nodes[start:end] if isinstance(inner, kinds))

    def function(self, node: ast.AST) -> Function | None:
        """The function that a node runs in: not the one whose decorator or default it is."""
        inner = node
        for above in self.ancestors(node):
            if isinstance(above, Function) and inner in above.body:
                return above
            inner = above
        return None

    def owner(self, node: ast.AST) -> ast.ClassDef | None:
        """The innermost class that a node stands in, directly or in a method."""
        return self.around(node, ast.ClassDef)

    def around(self, node: ast.AST, *kinds: type[Node]) -> Node | None:
        """The innermost node of these kinds that a node stands in."""
        return next((above for above in self.ancestors(node) if isinstance(above, kinds)), None)

    def stores(self, node: ast.AST, name: str = "") -> Iterator[ast.Name]:
        """Yield where something below a node gives a value to a name,
        to any name where none is given."""
        for inner in self.within(node, ast.Name):
            if isinstance(inner.ctx, ast.Store) and name in ("", inner.id):
                yield inner

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement that a node is, or stands in."""
        return node if isinstance(node, ast.stmt) else self.around(node, ast.stmt)

    def where(self, node: ast.AST) -> str:
        """The names of the classes and functions around a node, and its own:
        `Rotary.forward`, or nothing."""
        around = [node, *self.ancestors(node)]
        return ".".join(
            scope.name for scope in reversed(around) if isinstance(scope, ast.ClassDef | Function)
        )

    def name(self, node: ast.AST | None) -> str:
        """The dotted name of an expression as others know it:
        `torch.float64` for an `f64` imported as that.

        Empty for what is no name. What a function binds itself keeps its own:
        `x.float`, `self.inv_freq`.
        """
        return self._scopes.name(node) if node is not None else ""

    def calls(self, *names: str) -> Iterator[ast.Call]:
        """Yield the calls of functions by their dotted names, of all where none is given."""
        return (call for call in self.nodes(ast.Call) if not names or self.name(call.func) in names)

    def argument(
        self, call: ast.Call, keyword: str, position: int | None = None
    ) -> ast.expr | None:
        """An argument of a call.

        Args:
            call: the call.
            keyword: the name of the argument.
            position: its place, from 0; None: it is passed by keyword only.

        Returns:
            What is passed; None if nothing is, or if a `*` before it hides what is.
        """
        for candidate in call.keywords:
            if candidate.arg == keyword:
                return candidate.value
        before = [] if position is None else call.args[: position + 1]
        is_there = position is not None and len(before) > position
        return (
            before[-1] if is_there and not any(isinstance(a, ast.Starred) for a in before) else None
        )

    def guards(self, node: ast.AST) -> list[ast.expr]:
        """The conditions that decide whether a node is reached.

        Returns:
            Those of `if`, `while`, `assert`, `and`, `or` and conditional expressions around it, and
            of an earlier `if` in one of its blocks that leaves the block; innermost first.
        """
        tests: list[ast.expr] = []
        inner = node
        for above in self.ancestors(node):
            tests += _conditions(above, inner)
            for block in self.blocks(above):
                tests += self._leaving(block, inner) if inner in block else ()
            inner = above
        return tests

    def _leaving(self, block: list[ast.stmt], inner: ast.AST) -> Iterator[ast.expr]:
        for before in block[: block.index(inner)]:  # type: ignore[arg-type]
            ways = (before.body, before.orelse) if isinstance(before, ast.If) else ()
            if isinstance(before, ast.If | ast.Assert) and (
                not ways or any(map(self._leaves, ways))
            ):
                yield before.test

    def _leaves(self, block: list[ast.stmt]) -> bool:
        last = block[-1] if block else None
        return isinstance(last, LEAVING) or self._statement_calls(last) in EXITS

    def blocks(self, node: ast.AST | None) -> list[list[ast.stmt]]:
        """The blocks of statements that a node has."""
        blocks = (getattr(node, field, None) for field in ("body", "orelse", "finalbody"))
        return [block for block in blocks if isinstance(block, list)]

    def is_print(self, statement: ast.stmt) -> bool:
        """Whether a statement only prints."""
        return self._statement_calls(statement) == "print"

    def _statement_calls(self, statement: ast.stmt | None) -> str:
        """The dotted name of the function whose call is all that a statement is."""
        match statement:
            case ast.Expr(value=ast.Call(func=function)):
                return self.name(function)
        return ""

    def text(self, node: ast.AST) -> str:
        """Code as one line, cut where it is long."""
        text = " ".join(ast.unparse(node).split())
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."

    def hazard(
        self,
        code: str,
        node: ast.AST,
        message: str,
        change: str,
        *,
        devices: str,
        failure: str | None = None,
    ) -> Hazard:
        """The hazard that a node is.

        Args:
            code: the rule's.
            node: where the hazard is.
            message: what will happen, naming the things.
            change: what to write instead.
            devices: where it happens.
            failure: id of the known failure, if it is another than the one that has the code.
        """
        line, end = _line(node), getattr(node, "end_lineno", None) or _line(node)
        if isinstance(node, Function | ast.ClassDef):
            end = max(node.lineno, node.body[0].lineno - 1)
        cell, cell_line = self._places[line - 1] if self._places else (None, line)
        return Hazard(
            code=code,
            file=self.file,
            cell=cell,
            line=cell_line,
            column=self._column(node),
            end_line=cell_line + end - line,
            where=self.where(node),
            message=message,
            change=change,
            devices=devices,
            failure=failure,
        )

    def _column(self, node: ast.AST) -> int:
        """The column in characters, from 1; the tree counts bytes of UTF-8."""
        before = self.lines[_line(node) - 1].encode()[: getattr(node, "col_offset", 0)]
        return len(before.decode(errors="replace")) + 1

    def line(self, node: ast.AST) -> int:
        """The line of a node, of a notebook in its cell."""
        line = _line(node)
        return self._places[line - 1][1] if self._places else line

    def source_line(self, hazard: Hazard) -> int:
        """The line of the source that a hazard stands on:
        of a notebook, not the line in its cell."""
        return self._places.index((hazard.cell, hazard.line)) + 1 if hazard.cell else hazard.line


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 1))


def _children(node: ast.AST) -> list[ast.AST]:
    """The nodes in a node; not its signs and contexts,
    `ast.Add` and `ast.Load`, which all nodes share."""
    children: list[ast.AST] = []
    for field in node._fields:
        value = getattr(node, field, None)
        for part in value if type(value) is list else (value,):
            if isinstance(part, ast.AST) and type(part) not in SIGNS:
                children.append(part)
    return children


def _conditions(above: ast.AST, inner: ast.AST) -> list[ast.expr]:
    match above:
        case (
            ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test)
        ):
            return [test] if inner is not test else []
        case ast.BoolOp(values=values):
            return values[: values.index(inner)]  # type: ignore[arg-type]
        case ast.ListComp(elt=value) | ast.SetComp(elt=value) | ast.GeneratorExp(elt=value):
            tests = [test for part in above.generators for test in part.ifs]
            return tests if inner is value else []
    return []
