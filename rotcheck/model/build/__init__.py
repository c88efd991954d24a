"""From a SPEC to a small model that runs on a CPU, with its rotary part untouched."""
