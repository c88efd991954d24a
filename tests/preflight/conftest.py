"""The reports made by hand and the runs of the command line are those of the other rooms' tests."""

import sys
from pathlib import Path

for room in ("report", "cli"):
    sys.path.append(str(Path(__file__).parents[1] / room))
