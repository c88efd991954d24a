"""Runs the commands whose output the docs show, and writes what they print into the docs.

    python docs/refresh.py [FILE...]

A block to refresh is a console block behind a line `<!-- output: COMMAND -->`. Run it where flash-attn and Triton
are installed as the page says; the tests run every command of the docs again.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGES = [HERE.parent / "README.md", *sorted(HERE.glob("*.md"))]
BLOCK = re.compile(
    r"(<!-- output: (?P<command>[^\n]*) -->\n```console\n)(?P<shown>.*?)(```\n)", re.DOTALL
)


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
        fresh = BLOCK.sub(lambda m: f"{m[1]}{output(m['command'])}{m[4]}", text)
        if fresh != text:
            page.write_text(fresh)
            print(f"refreshed {page.name}")


if __name__ == "__main__":
    main()
