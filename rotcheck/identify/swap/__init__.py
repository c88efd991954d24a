"""Swapping one function for another: what differs, the code that makes up for it, and both run side by side."""
