"""Writes docs/what-we-found.md: what `rotcheck model` and `rotcheck identify` say of libraries, and
each defect with a snippet that shows it without rotcheck.

    python docs/what_we_found.py [LIBRARY...]

A section is made again for each library that is named, or for all that are installed; the others
stay as they were made. Not all libraries can be installed together. `docs/found/specs.toml` says
what is asked; the snippets are `docs/found/LIBRARY/*.py`, and are run here.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from rotcheck.errors import first_line
from rotcheck.identify.run import identify_all
from rotcheck.model.plan import FORWARD
from rotcheck.model.plan import LIBRARIES as BY_NAME
from rotcheck.model.worker import open_model
from rotcheck.results import DeclaredRow, Identification, ModelRow, mistakes

HERE = Path(__file__).parent
FOUND, PAGE = HERE / "found", HERE / "what-we-found.md"
LIBRARIES: dict[str, dict[str, Any]] = tomllib.loads((FOUND / "specs.toml").read_text())
SIGNS = {"agrees": "✓", "skipped": "-", "unavailable": "-", "unidentified": "?"}
SECTION = re.compile(r"^## (?P<name>\S+) \S+\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
INTRODUCTION = """# What we found

Made by `python docs/what_we_found.py [LIBRARY...]`, on a CPU, in float32. A section tells what was seen of one version
of a library:

| mark | what it means |
|---|---|
| `✓` | what ran is right, and does what is declared beside it |
| `✗` | it is not, and the words say in which way |
| `?` | not understood: neither right nor wrong |
| `-` | nothing turned, or it could not be built |

`library:NAME` is built small from its default configuration, and `FILE.py:NAME` by [a factory](found/models) of a few
lines: one forward and one backward pass of some 20 tokens, by [`rotcheck model`](model.md). `package.module:function`
was asked by [`rotcheck identify`](identify.md). The compiled kernels of a library are not what ran. Its Triton kernels
ran on CPU tensors, under the Triton interpreter, which computes what they say and not what a compiler makes of it.

Each defect has a snippet, a file of [found](found) that needs the library and not rotcheck. It was run: what it printed
stands below it.
"""


def section(library: str) -> str:
    """What was found of a library, with its defects."""
    head = f"## {library} {version(library)}\n"
    table = ["| what was asked | verdict | what turns, and how |", "|---|---|---|", *rows(library)]
    return "\n".join([head, *table, "", *defects(library)])


def rows(library: str) -> Iterator[str]:
    """Yield a line of the table for each SPEC of a library."""
    asked = LIBRARIES[library]
    for name in asked.get("models", ()):
        yield row(
            f"{library}:{name}" if is_by_name(library, name) else name, model_cells(library, name)
        )
    functions, device = asked.get("functions", []), asked.get("device", "cpu")
    found = identify_all(functions, device=device) if functions else ()
    for name, one in zip(functions, found, strict=True):
        yield row(name, function_cells(one))


def row(spec: str, cells: tuple[str, str]) -> str:
    """A line of the table; where it runs, it is told too."""
    print(spec, cells[0], file=sys.stderr, flush=True)
    verdict, facts = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| `{spec}` | {verdict} | {facts} |"


def model_cells(library: str, name: str) -> tuple[str, str]:
    """The verdict on a model, and how it turns: what `rotcheck model` says, in this process, so
    that a library is imported once."""
    by_name = is_by_name(library, name)
    spec = f"{library}:{name}" if by_name else str(FOUND / "models" / name)
    try:
        answer = open_model({"spec": spec, "device": "cpu", "dtype": "float32"})
        said = answer(["float32", FORWARD])
    except Exception as error:  # a stranger's code
        reason = first_line(error).rpartition("cannot be built: ")[2].partition("; ")[0]
        return f"- {reason}", "-"
    ran = msgspec.convert(said["rows"], list[ModelRow])
    return verdict(ran, msgspec.convert(said["declared"], list[DeclaredRow])), turns(ran)


def is_by_name(library: str, name: str) -> bool:
    """Whether rotcheck builds this model itself; a factory of `models/` does, otherwise."""
    return library in BY_NAME and ".py:" not in name


def verdict(ran: list[ModelRow], declared: list[DeclaredRow]) -> str:
    """The worst sign of what ran and of what is declared, and what is wrong."""
    every = [*ran, *declared]
    bad = [one for one in every if SIGNS.get(one.verdict, "✗") == "✗"]
    if bad:
        return f"✗ {(bad[0].message or bad[0].verdict).partition(';')[0]}"
    unclear = [one for one in every if one.verdict == "unidentified"]
    if unclear:
        return f"? {unclear[0].message}"
    turned = any(one.kind == "rotation" and one.does for one in ran)
    return "✓" if turned else "- nothing was seen to turn"


def turns(ran: list[ModelRow]) -> str:
    """How the rotations of a model turn."""
    turned = [one for one in ran if one.kind == "rotation" and one.does]
    facts = (f"{one.does}; {one.angles}".removesuffix("; ") for one in turned)
    return "<br>".join(dict.fromkeys(facts)) or "-"


def function_cells(found: Identification) -> tuple[str, str]:
    """The verdict on a function, and its convention."""
    wrong = mistakes(found)
    if wrong:
        return f"✗ {wrong[0].message}", convention(found)
    return ("✓" if found.answer == "right" else f"? {found.message or ''}"), convention(found)


def convention(found: Identification) -> str:
    """What a function does, in words."""
    facts = {fact.field: fact.says for fact in found.evidence}
    order = ("pairing", "direction", "layout", "tables", "frequencies")
    return "; ".join(f"{name}: {facts[name]}" for name in order if name in facts) or "-"


def defects(library: str) -> Iterator[str]:
    """Yield each snippet of a library with what it says of itself and what it printed."""
    for file in snippets(library):
        said, _, code = file.read_text().removeprefix('"""').partition('"""\n\n')
        title, *rest = (" ".join(part.split()) for part in said.split("\n\n"))
        done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True)
        shown = f"```python\n{code}```\n\n```\n{done.stdout}```\n"
        yield "\n\n".join([f"### {title}", *rest, shown])


def snippets(library: str) -> list[Path]:
    """The files that show the defects of a library."""
    return sorted((FOUND / library).glob("*.py"))


def is_installed(library: str) -> bool:
    """Whether a library is here."""
    try:
        version(library)
    except PackageNotFoundError:
        return False
    return True


def page(libraries: list[str], before: str) -> str:
    """The page, with the sections of these libraries made anew."""
    sections = {found["name"]: found[0] for found in SECTION.finditer(before)}
    sections |= {library: section(library) for library in libraries}
    order = [library for library in LIBRARIES if library in sections]
    untried = ", ".join(library for library in LIBRARIES if library not in sections)
    rest = f"## Without a section\n\nNo section was made yet of {untried}.\n" if untried else ""
    parts = [INTRODUCTION, *(sections[library] for library in order), rest]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


if __name__ == "__main__":
    usual = [one for one, asked in LIBRARIES.items() if any(asked.values()) and is_installed(one)]
    text = page(sys.argv[1:] or usual, PAGE.read_text() if PAGE.exists() else "")
    PAGE.write_text(text)
