"""A program of the user run unchanged, and what was seen of its rotary code on the way."""
