"""One file a command, with a function of the same name; it returns the exit code."""
