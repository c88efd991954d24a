"""Writes docs/what-we-found.md: `rotcheck model` on architectures of libraries, and each defect
with a snippet that shows it without rotcheck.

    python docs/what_we_found.py

It takes some minutes. The snippets are the files of docs/found/, and are run here.
"""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import rotcheck
from rotcheck.errors import RequestError
from rotcheck.results import ModelReport

HERE = Path(__file__).parent
ARCHITECTURES = {
    "transformers": [
        "llama", "qwen2", "qwen3", "mistral", "mixtral", "gemma2", "gemma3_text", "phi", "phi3",
        "gpt_neox", "gptj", "cohere", "cohere2", "olmo2", "starcoder2", "glm", "deepseek_v3",
        "gpt_oss", "modernbert", "roformer", "falcon", "stablelm", "persimmon", "qwen2_vl",
        "qwen3_vl_vision", "minimax_m3_vl_text", "smollm3", "llama4_text",
    ],
    "diffusers": ["FluxTransformer2DModel"],
}  # fmt: skip
SIGNS = {"agrees": "✓", "skipped": "-", "unavailable": "-", "unidentified": "?"}
INTRODUCTION = """# What we found

Made by `python docs/what_we_found.py`, on a CPU, in float32: each architecture built small from its default
configuration, one forward and one backward pass, by `rotcheck model`. A library that is not in the table was not tried.
"""


def rows(library: str) -> Iterator[str]:
    """Yield a line of the table for each architecture of a library."""
    for name in ARCHITECTURES[library]:
        spec = f"{library}:{name}"
        try:
            report = rotcheck.model(spec, devices=["cpu"], ways=[])
        except RequestError as error:
            yield f"| `{spec}` | not built | {str(error).splitlines()[0][:120]} |"
            continue
        yield f"| `{spec}` | {verdict(report)} | {turns(report)} |"
        print(spec, verdict(report), file=sys.stderr)


def verdict(report: ModelReport) -> str:
    """The worst sign of a report, and what is wrong."""
    every = [*report.rows, *report.declared]
    bad = [row for row in every if SIGNS.get(row.verdict, "✗") == "✗"]
    if bad:
        return f"✗ {(bad[0].message or bad[0].verdict).partition(';')[0]}"
    unclear = [row for row in every if row.verdict == "unidentified"]
    return f"? {unclear[0].message}" if unclear else "✓"


def turns(report: ModelReport) -> str:
    """How the rotations of a report turn."""
    facts = (
        f"{row.does}; {row.angles}" for row in report.rows if row.kind == "rotation" and row.does
    )
    return "<br>".join(dict.fromkeys(facts)).replace("|", "\\|") or "-"


def defects() -> Iterator[str]:
    """Yield each snippet with what it says of itself and what it printed."""
    for file in sorted((HERE / "found").glob("*.py")):
        source = file.read_text()
        title = " ".join(source.partition('"""')[2].partition('"""')[0].split())
        done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True)
        code = source.partition('"""\n\n')[2]
        yield f"### {title}\n\n```python\n{code}```\n\n```\n{done.stdout}```\n"


def page() -> str:
    """The page."""
    parts = [INTRODUCTION]
    for library in ARCHITECTURES:
        head = f"## {library} {version(library)}\n\n| architecture | verdict | what turns, and how |\n|---|---|---|"
        parts.append("\n".join([head, *rows(library), ""]))
    return "\n".join([*parts, "## Defects\n", *defects()])


if __name__ == "__main__":
    (HERE / "what-we-found.md").write_text(page())
