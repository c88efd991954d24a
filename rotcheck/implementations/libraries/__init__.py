"""Rotary functions of libraries, used where they are found: an entry of `table.py` each.

They run only when named.
"""
