"""Inside a worker: how a Python file, or the package around it, builds one of its own classes,
read from the calls of the class.

The arguments of a call are computed where they can be: from numbers, from constants of the module,
from the parameters and assignments of the function around the call, and from the calls of that
function in turn, in its own file or in another of its package.
"""

import ast
import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import ModuleType, SimpleNamespace
from typing import Any

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.implementations.package_callers import CallerFile, caller_files
from rotcheck.implementations.rotary_code import FunctionNode, last_name, snake_case

DEEPEST = 5  # calls of calls that are followed


class _UnknownValue(Exception):
    """What an expression comes to cannot be told."""


@dataclass(frozen=True, slots=True)
class ConstructorCall:
    """A call of a class or a function: what it is given, by the names of its parameters,
    and on which line."""

    given: dict[str, Any]
    line: int
    file: str = ""  # of its package; empty: its own

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        return f"line {self.line}{f' of {self.file}' if self.file else ''}"


def constructor_calls(
    module: ModuleType, name: str, *, of_package: bool = False
) -> list[ConstructorCall]:
    """The calls of a class in its own file whose arguments are known,
    those with other arguments each once.

    `of_package`: a configuration may be of a class that the file imports from its package.
    """
    tree = _tree(module)
    if tree is None or not hasattr(module, name):
        return []
    return _once(_Reader(module, tree, of_package).uses(name, DEEPEST))


def calls_in_package(module: ModuleType, name: str) -> list[ConstructorCall]:
    """The same of the nearest file of its package that has any."""
    found = (_once(_calls_in(caller, DEEPEST)) for caller in caller_files(module, name))
    return next(filter(None, found), [])


def _calls_in(caller: CallerFile, depth: int) -> Iterator[ConstructorCall]:
    for call in _Reader(caller.module, caller.tree).uses(caller.name, depth):
        yield replace(call, file=caller.file.name)


def _once(calls: Iterable[ConstructorCall]) -> list[ConstructorCall]:
    first: dict[str, ConstructorCall] = {}
    for call in calls:
        first.setdefault(repr(call.given), call)
    return list(first.values())


def _tree(module: ModuleType) -> ast.Module | None:
    try:
        return ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return None


class _Reader:
    """Reads the calls of one file."""

    def __init__(self, module: ModuleType, tree: ast.Module, of_package: bool = False) -> None:
        self._module = module
        self._of_package = of_package
        self._calls = list(_calls(tree, ()))

    def uses(self, name: str, depth: int) -> Iterator[ConstructorCall]:
        """The calls of a class or function of the file whose arguments are known."""
        for call, around in self._calls:
            if last_name(call.func) == name and depth:
                try:
                    yield ConstructorCall(self._arguments(call, around, depth), call.lineno)
                except _UnknownValue:
                    continue

    def _arguments(self, call: ast.Call, around: Sequence[ast.AST], depth: int) -> dict[str, Any]:
        """What a call gives, by name. Raises `_UnknownValue`."""
        names = self._names_at(around, call.lineno, depth)
        starred = any(isinstance(argument, ast.Starred) for argument in call.args)
        if starred or any(not keyword.arg for keyword in call.keywords):
            raise _UnknownValue
        by_place = [self._value(argument, names) for argument in call.args]
        by_name: dict[str, Any] = {}
        for part in call.keywords:
            if not _says_where(str(part.arg)):
                by_name[str(part.arg)] = self._value(part.value, names)
        try:
            signature = inspect.signature(getattr(self._module, last_name(call.func)))
            binding = signature.bind(*by_place, **by_name)
        except (TypeError, ValueError, AttributeError) as error:
            raise _UnknownValue from error
        kinds = {signature.parameters[name].kind for name in binding.arguments}
        if kinds - {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}:
            raise _UnknownValue
        return dict(binding.arguments)

    def _names_at(self, around: Sequence[ast.AST], line: int, depth: int) -> dict[str, Any]:
        """The names that are known where a call stands:
        parameters, and what was assigned above it."""
        names: dict[str, Any] = {}
        for owner, node in zip((None, *around), around):
            if isinstance(node, FunctionNode):
                names |= self._parameters(node, owner, depth)
                self._assign(node.body, names, line)
        return names

    def _parameters(
        self, function: FunctionNode, owner: ast.AST | None, depth: int
    ) -> dict[str, Any]:
        """The parameters of a function: as the file calls it,
        else their defaults and configurations."""
        method = isinstance(owner, ast.ClassDef)
        name = owner.name if isinstance(owner, ast.ClassDef) else function.name
        values = self._defaults(function)
        if not method or function.name == "__init__":
            uses = self.uses if method else self._uses_anywhere
            values |= next((use.given for use in uses(name, depth - 1)), {})
        return values | ({"self": SimpleNamespace()} if method else {})

    def _uses_anywhere(self, name: str, depth: int) -> Iterator[ConstructorCall]:
        """The calls of a function of the file, in it and else in its package."""
        yield from self.uses(name, depth)
        if depth:
            for caller in caller_files(self._module, name):
                yield from _calls_in(caller, depth)

    def _defaults(self, function: FunctionNode) -> dict[str, Any]:
        arguments = function.args
        places = [*arguments.posonlyargs, *arguments.args]
        defaults = [
            *zip(reversed(places), reversed(arguments.defaults)),
            *zip(arguments.kwonlyargs, arguments.kw_defaults),
        ]
        values: dict[str, Any] = {}
        for parameter in (*places, *arguments.kwonlyargs):
            if parameter.annotation is not None or is_named(
                parameter.arg, vocabulary.CONFIGURATION
            ):
                values |= self._configuration(parameter)
        for parameter, default in defaults:
            if default is not None:
                values |= self._try(parameter.arg, default, {})
        return values

    def _configuration(self, parameter: ast.arg) -> dict[str, Any]:
        """A configuration with its defaults: of the class annotated, or of the only one near."""
        if not is_named(parameter.arg, vocabulary.CONFIGURATION):
            return {}
        classes = {name: kind for name, kind in vars(self._module).items() if self._is_near(kind)}
        candidates = [
            kind for kind in classes if is_named(snake_case(kind), vocabulary.CONFIGURATION)
        ]
        if parameter.annotation:
            candidates = [ast.unparse(parameter.annotation).strip("'\"")]
        if len(candidates) != 1 or candidates[0] not in classes:
            return {}
        try:
            return {parameter.arg: classes[candidates[0]]()}
        except Exception:  # it asks for more than its defaults: then nothing is known
            return {}

    def _is_own(self, value: Any) -> bool:
        return inspect.isclass(value) and value.__module__ == self._module.__name__

    def _is_near(self, value: Any) -> bool:
        package = f"{self._module.__package__}."
        is_class = inspect.isclass(value)
        beside = self._of_package and is_class and value.__module__.startswith(package)
        return beside or self._is_own(value)

    def _assign(self, body: Sequence[ast.stmt], names: dict[str, Any], line: int) -> None:
        """Carry out the assignments above a line whose values are known."""
        for statement in body:
            if statement.lineno >= line:
                return
            if isinstance(statement, ast.If):
                self._assign(self._branch(statement, names, line), names, line)
            elif isinstance(statement, ast.Assign):
                for target in statement.targets:
                    self._set(target, statement.value, names)
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                self._set(statement.target, statement.value, names)

    def _branch(self, statement: ast.If, names: dict[str, Any], line: int) -> list[ast.stmt]:
        """The branch that is taken: the one that the call stands in, else by the condition."""
        for branch in (statement.body, statement.orelse):
            if branch and branch[0].lineno <= line <= (branch[-1].end_lineno or 0):
                return branch
        condition = self._try("test", statement.test, names)
        if not condition:
            return []
        return statement.body if condition["test"] else statement.orelse

    def _set(self, target: ast.expr, value: ast.expr, names: dict[str, Any]) -> None:
        if isinstance(target, ast.Name):
            names.pop(target.id, None)
            names |= self._try(target.id, value, names)
        elif (
            isinstance(target, ast.Attribute)
            and ast.unparse(target.value) == "self"
            and "self" in names
        ):
            vars(names["self"]).update(self._try(target.attr, value, names))

    def _try(self, name: str, node: ast.expr, names: dict[str, Any]) -> dict[str, Any]:
        try:
            return {name: self._value(node, names)}
        except _UnknownValue:
            return {}

    def _value(self, node: ast.expr, names: dict[str, Any]) -> Any:
        """What an expression comes to; one that calls a function of the file or builds
        a module is not run."""
        if any(isinstance(part, ast.Call) and not self._harmless(part) for part in ast.walk(node)):
            raise _UnknownValue
        try:
            return eval(
                compile(ast.Expression(node), "<the file>", "eval"), vars(self._module), names
            )
        except Exception as error:  # whatever a stranger's expression raises
            raise _UnknownValue from error

    def _harmless(self, call: ast.Call) -> bool:
        """Whether a call computes a number or makes a record, and builds no weights."""
        name = last_name(call.func)
        kind = getattr(self._module, name, None)
        return name in _COMPUTES or (
            self._is_own(kind) and is_named(snake_case(name), vocabulary.CONFIGURATION)
        )


def _says_where(name: str) -> bool:
    """Whether an argument is a device or a dtype: these are for the one who builds to say."""
    return is_named(name, vocabulary.DEVICE) or is_named(name, vocabulary.DTYPE)


_COMPUTES = (
    *("int", "float", "bool", "max", "min", "len", "round", "abs", "ceil", "floor", "pow"),
    *("getattr", "get", "dict"),
)


def _calls(
    node: ast.AST, around: tuple[ast.AST, ...]
) -> Iterator[tuple[ast.Call, tuple[ast.AST, ...]]]:
    """Each call with the classes and functions around it, outermost first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, around
        inside = (*around, child) if isinstance(child, FunctionNode | ast.ClassDef) else around
        yield from _calls(child, inside)
