"""Every example runs as its page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = ["compare_from_python.py", "replace_a_rotary.py", "how_far_in_context.py"]
PRINTED = {
    "compare_from_python.py": r"native: at most [\d.]+ rounding steps off, in \d+ checks\n",
    "replace_a_rotary.py": r"^largest difference: [0-5]\.\de(\+00|-0[789])$",
    "how_far_in_context.py": r"constructed: agrees.*\nbfloat16: disagrees, right up to position \d+",
}
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=ENVIRONMENT, check=False
    )


def test_the_page_lists_every_example() -> None:
    listed = re.findall(r"\]\(([\w.]+)\)", (EXAMPLES / "README.md").read_text())
    files = [file.name for file in EXAMPLES.iterdir() if file.suffix in (".py", ".toml")]
    assert sorted(listed) == sorted(files)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_prints_what_it_promises(name: str, tmp_path: Path) -> None:
    done = _run([sys.executable, str(EXAMPLES / name)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(PRINTED[name], done.stdout), done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "pytest -q -p no:cacheprovider {0}/check_a_kernel.py",
        "rotcheck compare {0}/declare_a_convention.py --device cpu --dtype float32",
        "rotcheck preflight --policy {0}/preflight.toml",
    ],
)
def test_a_command_of_an_example_succeeds(command: str, tmp_path: Path) -> None:
    program, *rest = command.format(EXAMPLES).split()
    done = _run([sys.executable, "-m", program, *rest], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
