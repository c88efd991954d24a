"""How far in context are functions and modules right that make their own angles?

Each condition is a file of `conditions/`; it is tried on an object loaded anew. `run` and
`reach_verdicts` are the front's, which judges; `angle_profile` is plain data. The rest works inside
workers: `angle_recognition` finds out how to ask an object and what it must answer, `angle_sources`
ask it, `sweep` measures how far it is right, a condition works on a `specimen`.
"""

from rotcheck.callable_room import callable_as

callable_as(__name__, "context")
