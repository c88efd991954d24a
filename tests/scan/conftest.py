"""The runs of the command line are those of the tests of `cli`, and SARIF is checked as
in those of `report`."""

import sys
from pathlib import Path

for room in ("cli", "report"):
    sys.path.append(str(Path(__file__).parents[1] / room))
