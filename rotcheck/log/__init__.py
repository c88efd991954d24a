"""Reads a log of any size: what happened in it, and what ended the run.

Knows nothing about RoPE.
"""

from rotcheck.log.events import Event, Frame, Kind, Log
from rotcheck.log.log_reader import read, read_text

__all__ = ["Event", "Frame", "Kind", "Log", "read", "read_text"]
