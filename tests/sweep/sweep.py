"""Identifies all rotary code of installed packages,
so that every mistake it is accused of can be read by a person.

`python tests/sweep/sweep.py transformers timm --out sweep.json --page sweep.md`. What is written
twice in a package is asked once. Not part of CI: it takes minutes to hours, and its packages are
not required.
"""

import argparse
import ast
import importlib.metadata
import importlib.util
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from rotcheck.identify.identification_jobs import PRELOAD, Identifier
from rotcheck.implementations import rotary_code
from rotcheck.results import Identification
from rotcheck.study.study import Study

MARKS = {"right": "✓", "wrong": "✗", "unknown": "?"}


def specifications(package: str) -> Iterator[str]:
    """Yield `package.module:name` of each distinct rotary function, class and method of a package,
    by its source.

    Raises `SystemExit` for a package that is not installed.
    """
    place = importlib.util.find_spec(package)
    if place is None or not place.submodule_search_locations:
        raise SystemExit(f"{package} is not installed")
    folder = Path(place.submodule_search_locations[0])
    seen: set[str] = set()
    for file in sorted(folder.rglob("*.py")):
        module = ".".join((package, *file.relative_to(folder).with_suffix("").parts))
        for name, text in _meant(file):
            if text not in seen:
                seen.add(text)
                yield f"{module.removesuffix('.__init__')}:{name}"


def _meant(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the names of a file's rotary code, each with its source as parsed."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:  # a template, or of another Python
        return
    nodes = {
        node.name: node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    for name in rotary_code.rotary(tree):
        node = nodes[name.partition(".")[0]]
        text = ast.dump(node).replace(f"'{node.name}'", "'name'")
        yield name, f"{name.partition('.')[2]} {text}"


def sweep(package: str, timeout: float, preload: Sequence[str] = ()) -> dict[str, Identification]:
    """Return what was identified of a package, by specification; prints a line for each.

    `preload`: modules that many of its files import, imported once.
    """
    asked = list(specifications(package))
    print(f"{package}: {len(asked)} functions and classes", flush=True)

    def tell(one: Identification) -> None:
        print(f"{MARKS[one.answer]} {one.specification} {one.seconds or 0.0:.1f} s", flush=True)

    with Study((*PRELOAD, package, *preload)) as study:
        identities = Identifier(asked, "cpu", timeout).run_alone(study, tell)
        return {name: one.identification for name, one in identities.items()}


def page(results: dict[str, dict[str, Identification]]) -> str:
    """Return the counts of each package, and every accusation in full, in Markdown."""
    lines = ["| package | version | ✓ | ✗ | ? |", "|---|---|---|---|---|"]
    for package, told in results.items():
        counts = Counter(one.answer for one in told.values())
        numbers = " | ".join(str(counts[answer]) for answer in MARKS)
        lines.append(f"| {package} | {_version(package)} | {numbers} |")
    for told in results.values():
        for name, one in told.items():
            lines += _accusations(name, one)
    return "\n".join(lines) + "\n"


def _accusations(name: str, one: Identification) -> list[str]:
    lines: list[str] = []
    for remark in (each for each in one.findings if each.mistake):
        lines += [
            "",
            f"## {name}",
            "",
            f"{one.call}: {remark.message} ({remark.failure or remark.code})",
            "",
        ]
        lines += [f"Seen: {remark.evidence}", ""]
        if remark.demonstration:
            lines += ["```python", remark.demonstration, "```", ""]
    return lines


def _version(package: str) -> str:
    names = importlib.metadata.packages_distributions().get(package, [package])
    return importlib.metadata.version(names[0])


def main(arguments: Sequence[str] | None = None) -> None:
    """Sweep the packages that were named, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+")
    parser.add_argument("--out", type=Path, default=Path("sweep.json"))
    parser.add_argument("--page", type=Path, default=Path("sweep.md"))
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for one function")
    parser.add_argument(
        "--preload", nargs="*", default=[], help="modules to import once, for speed"
    )
    options = parser.parse_args(arguments)
    results: dict[str, dict[str, Identification]] = {}
    for package in options.packages:
        results[package] = sweep(package, options.timeout, options.preload)
        options.out.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1))
        options.page.write_text(page(results), "utf-8")
    print(page(results))


if __name__ == "__main__":
    main()
