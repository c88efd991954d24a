"""What in a Python file is rotary code, by its names:
read from the source, which is never imported."""

import ast
import re
from collections.abc import Iterator, Sequence

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import Names, is_named

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_ROTARY = re.compile(  # of a name in words, as `_llama_rotary_embedding_`
    r"_(re_?|un_?|de_?)?rot(?!ate_(half|every|neox|gptj))(?!ten|90)|_rope|_(?!eu|t_?r|g_?r)[a-z]{1,6}rope(\d|s?_)"
)
_TABLES = re.compile(r"freqs?_?cis|pos(ition)?_?emb|apply_.*emb")
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_HELPER = re.compile(
    r"^_?(rotate_?(half|every|neox|gptj|interleaved)|reshape_for|repeat_kv)|[Cc]onfig|Attention|Block|[Mm]odels?$|Steps?$"
    # what is added to x, and what converts it
    r"|sin_?cos_pos|^_?(interpolate|resample|resize|adjust|load)_.*pos"
)
_EMBEDS = re.compile(r"Embed|Pos[A-Z_]|Pos$|_pos_")  # of a class that may make tables
_APPLIES = re.compile(r"apply|rotate|rotary|rope|forward|encode|embed", re.IGNORECASE)
_MAKES = re.compile(
    r"get$|(get|make|compute|build|precompute|create).*(cos|sin|freq|cis|emb|table|cache|angle|rot|rope)|cos_sin"
)
_MAKES_TABLES = re.compile(
    r"(get|make|compute|build|precompute|create)\w*(cos|sin|freq|cis|table|cache|angle)(?!usoid)"
)
_CALL_METHODS = ("forward", "__call__")
_PLAIN = ("Module", "object", "ABC")  # bases that can be called by nothing of their own
_NO_FUNCTION = (
    *("Function", "NamedTuple", "TypedDict", "Protocol"),
    *("Enum", "IntEnum", "StrEnum", "Exception"),
)
_TENSORS = (vocabulary.QKV, vocabulary.QUERY, vocabulary.KEY, vocabulary.TENSOR)
_TABLE_ROLES = (vocabulary.COS, vocabulary.SIN, vocabulary.COS_AND_SIN, vocabulary.TABLE)
_ANGLES = (
    *(*_TABLE_ROLES, vocabulary.EMBEDDINGS),
    *(vocabulary.POSITIONS, vocabulary.OFFSET, vocabulary.LENGTH),
)
_MOVES = re.compile(  # calls that rearrange lanes and compute nothing
    r"cat|concat|concatenate|stack|chunk|split|tensor_split|unbind|reshape|view|(reshape|view|type)_as|(un)?flatten"
    r"|rearrange|transpose|permute|movedim|(un)?squeeze|contiguous|clone|size|dim|len|to|float|int|tuple|neg|roll|flip"
    r"|(empty|zeros)_like|narrow|select|repeat|expand"
)


def definitions(tree: ast.Module) -> list[str]:
    """The functions and classes of a file, in its order."""
    return [node.name for node in _top(tree)]


def lines(tree: ast.Module) -> dict[str, int]:
    """The line on which each function, class and method (`Class.method`) of a file begins."""
    numbers = {node.name: node.lineno for node in _top(tree)}
    for node in _top(tree):
        if isinstance(node, ast.ClassDef):
            numbers |= {f"{node.name}.{method.name}": method.lineno for method in _functions(node)}
    return numbers


def _top(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """The functions and classes of a file, those inside `if`, `try` and `with` too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.TryStar | ast.With | ast.ExceptHandler):
            yield from _top(node)


def rotary(tree: ast.Module) -> list[str]:
    """The functions, classes and methods (`Class.method`) that are meant, in the order of the file.

    Left out are helpers that rotate nothing by themselves (rotate_half under any name), Triton
    kernels, which cannot be called, abstract classes, records and autograd functions. Of a class
    that cannot be called its methods are meant, of one of another name static and class methods
    whose names speak of rotary embeddings.
    """
    classes = _classes(tree)
    names: list[str] = []
    for node in _top(tree):
        if isinstance(node, ast.ClassDef):
            names += [node.name] if _embeds(node) or _turns_both(node) else []
            names += _of_class(node, classes)
        elif _rotary_by_name(node) or _tables(node) or _permutes(node) or _positions(node):
            names.append(node.name)
    return list(dict.fromkeys(names))


def _embeds(node: ast.ClassDef) -> bool:
    """Whether a call of a class of positions, `FluxPosEmbed`, makes tables by
    a function whose name says so."""
    if _EMBEDS.search(node.name) is None or _speaks(node.name) or _HELPER.search(node.name):
        return False
    calls = (callee for method in _call_methods(node) for callee in _callees(method))
    return any(map(_says_rotary, calls))


def _turns_both(node: ast.ClassDef) -> bool:
    """Whether a class of attention with a rotary name is handed q and k, and no v:
    it only turns them."""
    if "Attention" not in node.name or not _speaks(node.name.replace("Attention", "")):
        return False
    for method in _call_methods(node)[:1]:
        takes_both = all(_takes(method, role) for role in (vocabulary.QUERY, vocabulary.KEY))
        return takes_both and not _takes(method, vocabulary.VALUE)
    return False


def instead(tree: ast.Module, name: str) -> list[str]:
    """What is meant by a class of the file that cannot be called: its methods;
    else the name as it is."""
    classes = _classes(tree)
    if name not in classes or _open(name, classes) or _callable(name, classes):
        return [name]
    return _methods(classes[name]) or [name]


def _classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in _top(tree) if isinstance(node, ast.ClassDef)}


def _speaks(name: str) -> bool:
    return (_says_rotary(name) or _TABLES.search(name) is not None) and _HELPER.search(name) is None


def _says_rotary(name: str) -> bool:
    words = snake_case(name.replace("RoPE", "Rope"))
    return _ROTARY.search(f"_{words}_") is not None


def snake_case(name: str) -> str:
    """A name in words, `model_args` of `ModelArgs`."""
    return _BETWEEN_WORDS.sub("_", name).lower()


def _rotary_by_name(function: FunctionNode) -> bool:
    return _speaks(function.name) and not _left_out(function)


def _tables(function: FunctionNode) -> bool:
    """Whether it makes cos and sin, and has a name that speaks of tables:
    `build_cache`, `get_freqs`."""
    if not _MAKES_TABLES.match(function.name.lstrip("_")) or _HELPER.search(function.name):
        return False
    calls = _callees(function)
    return {"cos", "sin"} <= set(calls) or "polar" in calls


def _left_out(function: FunctionNode) -> bool:
    """Whether it rotates nothing by itself: a helper, a kernel, or what registers a whole model."""
    registers = any(name.startswith("register") for name in _decorators(function))
    return registers or _moves_only(function, is_bound=False) or _is_kernel(function)


def _positions(function: FunctionNode) -> bool:
    """Whether it makes positions of a mask of padding, or of where sequences begin."""
    has_mask = _takes(function, vocabulary.MASK, vocabulary.SEQUENCE_STARTS)
    return has_mask and is_named(function.name, vocabulary.MAKES_POSITIONS)


def _permutes(function: FunctionNode) -> bool:
    """Whether it permutes the rows of a projection:
    it is told a number of heads, or its name says of which."""
    if not re.search(r"permute(?!d)", function.name):
        return False
    is_of_heads = _takes(function, vocabulary.HEADS, vocabulary.KV_HEADS) or re.search(
        r"(^|_)(q|k|qk|qkv|rope|rotary|hf)(_|$)", function.name
    )
    return bool(is_of_heads) and _takes(function, *vocabulary.WEIGHTS)


def _is_kernel(function: FunctionNode) -> bool:
    """Whether it is a Triton kernel, by its decorators or a parameter that is a `tl.constexpr`."""
    annotations = [part.annotation for part in _arguments(function)]
    texts = [ast.unparse(part) for part in (*function.decorator_list, *annotations) if part]
    return any(text.startswith("triton.") or text.endswith("constexpr") for text in texts)


def _of_class(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> list[str]:
    if set(_NO_FUNCTION) & set(_ancestors(node.name, classes)) or _abstract(node.name, classes):
        return []
    permuting = [f"{node.name}.{method.name}" for method in _functions(node) if _permutes(method)]
    if not _speaks(node.name):
        return [
            *(method for method in _beside(node) if _speaks(method.rpartition(".")[2])),
            *permuting,
        ]
    if _open(node.name, classes) or _callable(node.name, classes):
        return [node.name, *_beside(node)]
    return _methods(node)


def _ancestors(name: str, classes: dict[str, ast.ClassDef]) -> Iterator[str]:
    """A class and what it derives from, nearest first;
    of what the file does not define the last part."""
    yield name
    if name in classes:
        for base in classes[name].bases:
            base_name = base.value if isinstance(base, ast.Subscript) else base
            if isinstance(base_name, ast.Attribute):
                yield base_name.attr
            elif isinstance(base_name, ast.Name) and base_name.id != name:
                yield from _ancestors(base_name.id, classes)


def _open(name: str, classes: dict[str, ast.ClassDef]) -> bool:
    """Whether a class derives from one of which the file does not tell what it can do."""
    return any(
        ancestor not in classes and ancestor not in _PLAIN for ancestor in _ancestors(name, classes)
    )


def _callable(name: str, classes: dict[str, ast.ClassDef]) -> bool:
    ancestors = (ancestor for ancestor in _ancestors(name, classes) if ancestor in classes)
    return any(_call_methods(classes[ancestor]) for ancestor in ancestors)


def _abstract(name: str, classes: dict[str, ast.ClassDef]) -> bool:
    """Whether a method is left to be written by those who derive from the class."""
    methods: set[str] = set()
    for ancestor in _ancestors(name, classes):
        for function in _functions(classes[ancestor]) if ancestor in classes else ():
            left_open = any(name.startswith("abstract") for name in _decorators(function))
            if left_open and function.name not in methods:
                return True
            methods.add(function.name)
    return False


def _functions(node: ast.ClassDef) -> list[FunctionNode]:
    return [statement for statement in node.body if isinstance(statement, FunctionNode)]


def _call_methods(node: ast.ClassDef) -> list[FunctionNode]:
    return [method for method in _functions(node) if method.name in _CALL_METHODS]


def _decorators(function: FunctionNode) -> list[str]:
    return [
        last_name(decorator.func if isinstance(decorator, ast.Call) else decorator)
        for decorator in function.decorator_list
    ]


def _methods(node: ast.ClassDef) -> list[str]:
    """The methods that are meant of a class that cannot be called:
    public ones, if there are any."""
    method_names = [method.name for method in _functions(node) if _is_meant(method)]
    public = [name for name in method_names if not name.startswith("_")]
    return [f"{node.name}.{name}" for name in public or method_names]


def _is_meant(function: FunctionNode) -> bool:
    name = function.name
    if name.startswith("__") or "property" in _decorators(function) or _HELPER.search(name):
        return False
    if _moves_only(function, is_bound="staticmethod" not in _decorators(function)):
        return False
    if _MAKES.match(name.lstrip("_")):
        return bool(_parameters(function))
    return _takes(function, *_TENSORS, *_ANGLES) and _APPLIES.search(name) is not None


def _beside(node: ast.ClassDef) -> list[str]:
    """The methods that rotate beside what a call of the class does,
    by their names and their parameters'."""
    return [
        f"{node.name}.{method.name}"
        for method in _functions(node)
        if (_free(method) and _rotates(method))
        or (_speaks(node.name) and _rotates_by_itself(method))
    ]


def _free(function: FunctionNode) -> bool:
    """Whether a method needs no object."""
    return bool({"staticmethod", "classmethod"} & set(_decorators(function)))


def _rotates_by_itself(function: FunctionNode) -> bool:
    """Whether a method is `rotate_queries_or_keys` or the like:
    handed a tensor, it knows its angles."""
    match = re.fullmatch(r"rotate_(quer(y|ies)|keys?|q|k)(_or_.*)?", function.name)
    return match is not None and any(
        _is_one_of(name, _TENSORS) for name in _parameters(function)[:1]
    )


def _rotates(function: FunctionNode) -> bool:
    names = _parameters(function)
    if not re.search(r"apply|rotate|rotary|rope", function.name) or _HELPER.search(function.name):
        return False
    tensors = [_is_one_of(name, _TENSORS) for name in names]
    angles = [_is_one_of(name, _ANGLES) for name in names]
    return any(
        is_tensor and any(angles[:at] + angles[at + 1 :]) for at, is_tensor in enumerate(tensors)
    )


def _parameters(function: FunctionNode) -> list[str]:
    """The names of what a call gives, without self or cls."""
    return [part.arg for part in _arguments(function) if part.arg not in ("self", "cls")]


def _arguments(function: FunctionNode) -> list[ast.arg]:
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _takes(function: FunctionNode, *roles: Names) -> bool:
    """Whether a parameter has one of these roles, by its name."""
    return any(_is_one_of(name, roles) for name in _parameters(function))


def _is_one_of(name: str, roles: Sequence[Names]) -> bool:
    return any(is_named(name, role) for role in roles)


def _moves_only(function: FunctionNode, *, is_bound: bool) -> bool:
    """Whether it takes one tensor and only moves its lanes and changes signs,
    as rotate_half does."""
    parameters = _arguments(function)[1 if is_bound else 0 :]
    if len(parameters) != 1 or function.args.vararg or function.args.kwarg:
        return False
    nodes = [node for statement in function.body for node in ast.walk(statement)]
    calls = [callee for statement in function.body for callee in _callees(statement)]
    products = [
        node
        for node in nodes
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.MatMult)
    ]
    if not all(map(_MOVES.fullmatch, calls)) or not all(map(_by_a_number, products)):
        return False
    return "neg" in calls or bool(products) or any(map(_changes_sign, nodes))


def _callees(node: ast.AST) -> list[str]:
    """The names of all functions that are called in it, without what is in front of a dot."""
    return [last_name(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)]


def last_name(node: ast.expr) -> str:
    """The name of what is called or used, without what is in front of a dot."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _changes_sign(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not _number(node)


def _by_a_number(node: ast.BinOp) -> bool:
    return _number(node.left) or _number(node.right)


def _number(node: ast.expr) -> bool:
    operand = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(operand, ast.Constant)
