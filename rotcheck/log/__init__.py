"""Reads a log of any size: what happened in it, and what ended the run. Knows nothing about RoPE."""
