"""By which angles does a function turn that makes its own? Frequencies, their schedule,
and what contradicts it."""
