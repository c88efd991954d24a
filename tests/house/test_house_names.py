"""Names are nouns for things and verbs for what is done:
few participles and pronouns, no name for two things."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "rotcheck"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = Path(__file__).parents[1]
MOST = 0.01  # of all names that are bound

WORDS = [
    line.split(": ") for line in (Path(__file__).parent / "words.txt").read_text().splitlines()
]
PRONOUNS, PARTICIPLES, NOUNS_IN_ED = (
    {word for name, words in WORDS if name == kind for word in words.split()}
    for kind in ("pronouns", "participles", "nouns-in-ed")
)  # the participles that do not end in -ed, and the nouns that do
SAME_MEANING = {
    "run",  # of a room: its public function, and how it runs
    "plan",  # of a study: what is asked for, and its jobs
    "worker",  # of a room: what runs in a worker process
    "cpu", "meta", "flash_attn", "triton",  # one device or library, seen by several rooms
    "beyond", "positions",  # one question, asked of functions and of what makes its own angles
    "autocast", "compile", "to_bfloat16",  # the same done to a function and to a model
}  # fmt: skip


def _bound(tree: ast.AST) -> Iterator[str]:
    """Every name that a file binds, imports apart."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def _is_no_noun(name: str) -> bool:
    word = name.strip("_").lower()
    if name.startswith("__") or word in NOUNS_IN_ED:
        return False
    return word in PRONOUNS | PARTICIPLES or re.fullmatch(r"[a-z]+ed", word) is not None


def test_participles_and_pronouns_are_recognised() -> None:
    names = (
        ["found", "_each", "rotated", "own"],
        ["speed", "convention", "rotated_q", "interleaved"],
    )
    assert [[_is_no_noun(name) for name in part] for part in names] == [[True] * 4, [False] * 4]


def test_names_are_nouns_and_verbs() -> None:
    names = Counter(name for file in SOURCES for name in _bound(ast.parse(file.read_text())))
    other = Counter({name: count for name, count in names.items() if _is_no_noun(name)})
    assert other.total() < MOST * names.total(), other.most_common(30)


def test_no_two_classes_have_one_name() -> None:
    places = defaultdict(list)
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(file.relative_to(PACKAGE)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_no_two_files_have_one_name_for_two_things() -> None:
    names = Counter(file.stem for file in SOURCES if file.stem != "__init__")
    folders = (PACKAGE / "report" / "pages", PACKAGE / "cli" / "commands")
    results = {file.stem for folder in folders for file in folder.glob("*.py")}
    twice = {name for name, count in names.items() if count > 1}
    assert twice - SAME_MEANING - results == set()


def test_no_two_files_of_tests_have_one_name() -> None:
    names = Counter(file.name for file in TESTS.rglob("test_*.py"))
    assert {name for name, count in names.items() if count > 1} == set()


def test_no_module_gives_a_constant_two_values() -> None:
    twice = [
        f"{file.relative_to(PACKAGE)}: {name}"
        for file in SOURCES
        for name, count in Counter(
            target.id
            for node in ast.parse(file.read_text()).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ).items()
        if count > 1
    ]
    assert not twice
