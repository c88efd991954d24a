"""The exit codes of the contract that more than one file gives."""

REQUEST, FAILED, INTERRUPTED = 2, 3, 130
