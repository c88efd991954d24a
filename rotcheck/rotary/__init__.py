"""The mathematics: frequencies, the float64 reference, conventions and tables."""

from rotcheck.rotary.conventions import Convention, lanes, pairs
from rotcheck.rotary.frequencies import angles, inverse_frequencies
from rotcheck.rotary.reference import rotate
from rotcheck.rotary.tables import tables

__all__ = ["Convention", "angles", "inverse_frequencies", "lanes", "pairs", "rotate", "tables"]
