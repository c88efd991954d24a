"""`python -m rotcheck` is `rotcheck`."""

import sys

if not sys.flags.safe_path:
    # the working directory: a rich.py or torch.py in it hides no module
    sys.path.append(sys.path.pop(0))

from rotcheck.cli.main import main  # after the path was put in order

main()
