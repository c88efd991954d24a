"""The runs of the command line are those of the tests of `cli`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "cli"))
