"""Inside a worker: how a Python file builds one of its own classes, read from the calls of the class in it.

The arguments of a call are computed where they can be: from numbers, from constants of the module, from the parameters
and assignments of the function around the call, and from the calls of that function in turn.
"""

import ast
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import said

DEEPEST = 5  # calls of calls that are followed
Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Unknown(Exception):
    """What an expression comes to cannot be told."""


@dataclass(frozen=True, slots=True)
class Use:
    """A call of a class or a function: what it is given, by the names of its parameters, and on which line."""

    given: dict[str, Any]
    line: int


def uses(module: ModuleType, name: str, *, of_package: bool = False) -> list[Use]:
    """Return the calls of a class in its own file whose arguments are known, those with other arguments each once.

    `of_package`: a configuration may be of a class that the file imports from its package.
    """
    tree = _tree(module)
    if tree is None or not hasattr(module, name):
        return []
    found: list[Use] = []
    for use in _Reader(module, tree, of_package).uses(name, DEEPEST):
        if not any(repr(use.given) == repr(other.given) for other in found):
            found.append(use)
    return found


def _tree(module: ModuleType) -> ast.Module | None:
    try:
        return ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return None


class _Reader:
    """Reads the calls of one file."""

    def __init__(self, module: ModuleType, tree: ast.Module, of_package: bool) -> None:
        self._module = module
        self._of_package = of_package
        self._calls = list(_calls(tree, ()))

    def uses(self, name: str, depth: int) -> Iterator[Use]:
        """Yield the calls of a class or function of the file whose arguments are known."""
        for call, around in self._calls:
            if _called(call) == name and depth:
                try:
                    yield Use(self._given(call, around, depth), call.lineno)
                except _Unknown:
                    continue

    def _given(self, call: ast.Call, around: Sequence[ast.AST], depth: int) -> dict[str, Any]:
        """Return what a call gives, by name. Raises `_Unknown`."""
        known = self._known(around, call.lineno, depth)
        if any(isinstance(each, ast.Starred) for each in call.args) or any(
            not keyword.arg for keyword in call.keywords
        ):
            raise _Unknown
        by_place = [self._value(each, known) for each in call.args]
        by_name = {str(each.arg): self._value(each.value, known) for each in call.keywords}
        try:
            bound = inspect.signature(getattr(self._module, _called(call))).bind(
                *by_place, **by_name
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise _Unknown from error
        kinds = {
            each.kind
            for each in bound.signature.parameters.values()
            if each.name in bound.arguments
        }
        if kinds - {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}:
            raise _Unknown
        return dict(bound.arguments)

    def _known(self, around: Sequence[ast.AST], line: int, depth: int) -> dict[str, Any]:
        """Return the names that are known where a call stands: parameters, and what was assigned above it."""
        known: dict[str, Any] = {}
        functions = [each for each in around if isinstance(each, Function)]
        for function in functions:
            owner = around[around.index(function) - 1] if around.index(function) else None
            known |= self._parameters(function, owner, depth)
            self._assign(function.body, known, line)
        return known

    def _parameters(self, function: Function, owner: ast.AST | None, depth: int) -> dict[str, Any]:
        """Return the parameters of a function: as the file calls it, else their defaults and configurations."""
        method = isinstance(owner, ast.ClassDef)
        name = owner.name if isinstance(owner, ast.ClassDef) else function.name
        known = self._defaults(function)
        if not method or function.name == "__init__":
            known |= next((use.given for use in self.uses(name, depth - 1)), {})
        return known | ({"self": SimpleNamespace()} if method else {})

    def _defaults(self, function: Function) -> dict[str, Any]:
        arguments = function.args
        places = [*arguments.posonlyargs, *arguments.args]
        defaults = [
            *zip(reversed(places), reversed(arguments.defaults)),
            *zip(arguments.kwonlyargs, arguments.kw_defaults),
        ]
        known: dict[str, Any] = {}
        for parameter in (*places, *arguments.kwonlyargs):
            if parameter.annotation is not None or said(parameter.arg, vocabulary.CONFIGURATION):
                known |= self._configuration(parameter)
        for parameter, default in defaults:
            if default is not None:
                known |= self._tried(parameter.arg, default, {})
        return known

    def _configuration(self, parameter: ast.arg) -> dict[str, Any]:
        """Return a configuration with its defaults: of the class annotated, or of the only one near."""
        classes = {name: each for name, each in vars(self._module).items() if self._is_near(each)}
        annotated = ast.unparse(parameter.annotation).strip("'\"") if parameter.annotation else ""
        wanted = (
            [annotated]
            if annotated
            else [each for each in classes if said(_snake(each), vocabulary.CONFIGURATION)]
        )
        if (
            len(wanted) != 1
            or wanted[0] not in classes
            or not said(parameter.arg, vocabulary.CONFIGURATION)
        ):
            return {}
        try:
            return {parameter.arg: classes[wanted[0]]()}
        except Exception:  # it asks for more than its defaults: then nothing is known
            return {}

    def _is_own(self, found: Any) -> bool:
        return inspect.isclass(found) and found.__module__ == self._module.__name__

    def _is_near(self, found: Any) -> bool:
        package = f"{self._module.__package__}."
        beside = (
            self._of_package and inspect.isclass(found) and found.__module__.startswith(package)
        )
        return beside or self._is_own(found)

    def _assign(self, body: Sequence[ast.stmt], known: dict[str, Any], line: int) -> None:
        """Carry out the assignments above a line whose values are known."""
        for statement in body:
            if statement.lineno >= line:
                return
            if isinstance(statement, ast.If):
                chosen = self._tried("test", statement.test, known)
                self._assign(
                    [] if not chosen else statement.body if chosen["test"] else statement.orelse,
                    known,
                    line,
                )
            elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                targets = (
                    statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                )
                for target in targets:
                    self._set(target, statement.value, known)

    def _set(self, target: ast.expr, value: ast.expr, known: dict[str, Any]) -> None:
        if isinstance(target, ast.Name):
            known.pop(target.id, None)
            known |= self._tried(target.id, value, known)
        elif (
            isinstance(target, ast.Attribute)
            and ast.unparse(target.value) == "self"
            and "self" in known
        ):
            vars(known["self"]).update(self._tried(target.attr, value, known))

    def _tried(self, name: str, node: ast.expr, known: dict[str, Any]) -> dict[str, Any]:
        try:
            return {name: self._value(node, known)}
        except _Unknown:
            return {}

    def _value(self, node: ast.expr, known: dict[str, Any]) -> Any:
        """Return what an expression comes to; one that calls a function of the file or builds a module is not run."""
        if any(isinstance(each, ast.Call) and not self._harmless(each) for each in ast.walk(node)):
            raise _Unknown
        try:
            return eval(
                compile(ast.Expression(node), "<the file>", "eval"), vars(self._module), known
            )
        except Exception as error:  # whatever a stranger's expression raises
            raise _Unknown from error

    def _harmless(self, call: ast.Call) -> bool:
        """Return whether a call computes a number or makes a record, and builds no weights."""
        name = _called(call)
        own = getattr(self._module, name, None)
        return name in _COMPUTES or (
            self._is_own(own) and said(_snake(name), vocabulary.CONFIGURATION)
        )


_COMPUTES = (
    "int",
    "float",
    "max",
    "min",
    "len",
    "round",
    "abs",
    "getattr",
    "get",
    "ceil",
    "floor",
    "bool",
    "dict",
    "pow",
)


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _calls(
    node: ast.AST, around: tuple[ast.AST, ...]
) -> Iterator[tuple[ast.Call, tuple[ast.AST, ...]]]:
    """Yield each call with the classes and functions around it, outermost first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, around
        inside = (*around, child) if isinstance(child, Function | ast.ClassDef) else around
        yield from _calls(child, inside)
