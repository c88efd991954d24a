"""The measure: a problem laid out for a convention, the function called on it,
and how far its result is off.

Shared by all that judge: `compare`, `identify`, `context`, `train`, `bench` and `rotcheck.testing`.
"""
