"""The exit codes of the contract; imports nothing, so that they are known whatever goes wrong."""

RIGHT = 0  # all that ran agrees
FINDING = 1  # something is wrong, or was not understood
REQUEST = 2  # it cannot be carried out
FAILURE = 3  # of rotcheck itself
NOTHING_RAN = 5
INTERRUPT = 130
