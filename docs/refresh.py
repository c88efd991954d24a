"""Runs the commands whose output the docs show, and writes what they print into the docs.

    python docs/refresh.py [FILE...]

A block to refresh is a console block behind a line `<!-- output: COMMAND -->`, or what stands
between the lines `<!-- api: MODULE:FUNCTION as NAME -->` and `<!-- end -->`: the function's
signature and docstring; or, behind `<!-- checks: LEVEL -->`, the table of the checks of that level,
from the docstrings of their files; or, behind `<!-- libraries -->`, the table of the libraries'
functions, from their entries. How many these are is written into the text of their link,
`[all N](docs/libraries.md)`. Run it where flash-attn and Triton are installed as the page says; the
tests run every command of the docs again.
"""

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

from rotcheck.compare.checks import documented_checks
from rotcheck.identify.calling.call_shapes import call_with_shapes
from rotcheck.implementations.libraries.library import Library
from rotcheck.implementations.libraries.library_table import LIBRARIES

HERE = Path(__file__).parent
PAGES = [HERE.parent / "README.md", *sorted(HERE.glob("*.md"))]
BLOCK = re.compile(
    r"(<!-- output: (?P<command>[^\n]*) -->\n```console\n)(?P<shown>.*?)(```\n)", re.DOTALL
)
API = re.compile(r"(<!-- api: (\S+):(\S+) as (\S+) -->\n)(.*?)(<!-- end -->\n)", re.DOTALL)
CHECKS = re.compile(r"(<!-- checks: (\w+) -->\n)(.*?)(<!-- end -->\n)", re.DOTALL)
LIBRARY_TABLE = re.compile(r"(<!-- libraries -->\n)(.*?)(<!-- end -->\n)", re.DOTALL)
LIBRARY_COUNT = re.compile(r"\[all \d+\](?=\(docs/libraries\.md\))")
PREFIXES = re.compile(r"\b(?:collections\.abc|torch|typing|rotcheck(?:\.\w+)+)\.(?=[A-Z])")


def signature(module: str, name: str, shown: str) -> str:
    """The signature of a function, an argument a line, and its docstring, as Markdown."""
    function = getattr(importlib.import_module(module), name)
    found = inspect.signature(function)
    arguments, star = [], False
    for argument in found.parameters.values():
        if argument.kind is argument.KEYWORD_ONLY and not star:
            arguments.append("    *,")
        star = star or argument.kind in (argument.KEYWORD_ONLY, argument.VAR_POSITIONAL)
        arguments.append(f"    {_without_quotes(str(argument))},")
    returns = _without_quotes(inspect.formatannotation(found.return_annotation))
    text = "\n".join([f"{shown}(", *arguments, f") -> {returns}"])
    return f"```python\n{PREFIXES.sub('', text)}\n```\n\n{inspect.getdoc(function)}\n\n"


def _without_quotes(annotation: str) -> str:
    """An annotation that is written as a string, as others are;
    a default that is a function, as `...`."""
    annotation = re.sub(r"<function .* at 0x\w+>", "...", annotation)
    return re.sub(r"(^|: )'([^']*)'", r"\1\2", annotation)


def checks_table(level: str) -> str:
    """The checks of a level, the question that each asks and what it catches,
    as a Markdown table."""
    rows = [
        f"| `{check.name}` | {' | '.join(check.docstring())} |".replace("|  |", "| |")
        for check in documented_checks()
        if check.level == level
    ]
    return "\n".join(["| check | the question | what it catches |", "|---|---|---|", *rows, ""])


def libraries_table() -> str:
    """The functions of libraries, what each is, how it is called and where it runs, as Markdown."""
    rows = [
        f"| `{name}` | {library.about.removesuffix('.')} | {_version(library)} | {_pairing(library)} "
        f"| `{call_with_shapes(library.convention).replace('|', ' ')}` | {_place(library)} |"
        for name, library in LIBRARIES.items()
    ]
    head = "| name | what it is | written for | pairing | how it is called | runs on |"
    return "\n".join([head, "|---|---|---|---|---|---|", *rows, ""])


def _version(library: Library) -> str:
    return f"{library.package.name} {library.package.version_written_for}"


def _pairing(library: Library) -> str:
    convention = library.convention
    return f"{convention.pairing}{', -1' if convention.direction == -1 else ''}"


def _place(library: Library) -> str:
    """The devices that a function runs on, and its dtypes where it does not take all."""
    device = {"any device": "any device", "cpu": "the CPU", "cuda": "CUDA"}[library.runs_on]
    interpreter = ", and the Triton interpreter" if library.triton else ""
    return f"{device}{interpreter}{'; ' * bool(library.dtypes)}{', '.join(library.dtypes)}"


def refreshed(text: str) -> str:
    """The text of a page with its blocks as they are today."""
    text = API.sub(lambda m: f"{m[1]}{signature(m[2], m[3], m[4])}{m[6]}", text)
    text = CHECKS.sub(lambda m: f"{m[1]}{checks_table(m[2])}{m[4]}", text)
    text = LIBRARY_TABLE.sub(lambda m: f"{m[1]}{libraries_table()}{m[3]}", text)
    text = LIBRARY_COUNT.sub(f"[all {len(LIBRARIES)}]", text)
    return BLOCK.sub(lambda m: f"{m[1]}{output(m['command'])}{m[4]}", text)


def output(command: str) -> str:
    """Return the command behind a prompt, and what it prints."""
    plain = {
        key: value
        for key, value in os.environ.items()
        if key not in ("FORCE_COLOR", "CLICOLOR_FORCE")
    }
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=HERE.parent, env=plain, check=False
    )
    if done.returncode not in (0, 1, 5) or done.stderr:
        raise SystemExit(f"{command!r} ended with {done.returncode}: {done.stderr}")
    return f"$ {command}\n{done.stdout}"


def main() -> None:
    """Refresh the pages named, or all."""
    for page in map(Path, sys.argv[1:] or PAGES):
        text = page.read_text()
        fresh = refreshed(text)
        if fresh != text:
            page.write_text(fresh)
            print(f"refreshed {page.name}")


if __name__ == "__main__":
    main()
