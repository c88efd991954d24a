"""How far in context is it right? Functions and modules that make their own angles, under what is done to them.

Each condition is a file of `conditions/`; it is tried in a worker of its own, on an object loaded anew. `run` is the
front's, and so are `rows` (judging) and `known`; the rest works inside workers: `recognition` finds out how to ask
an object and for what, `sources` ask it, `sweep` measures how far it is right, `specimen` is what a condition gets.
"""

from rotcheck.room import callable_as

callable_as(__name__, "context")
