"""The exit codes of the contract that more than one file gives."""

REQUEST, FAILED, NOTHING_RAN, INTERRUPTED = 2, 3, 5, 130
