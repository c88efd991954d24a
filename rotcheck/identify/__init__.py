"""From a function never seen before to its convention, by experiment.

`run` is the front's. Inside a worker: `names` guesses what arguments are, `templates` lists the calls worth trying,
`response` measures what a call does to each lane, `reading` reads the convention off that, `traits` asks the rest.
"""

from rotcheck.room import callable_as

callable_as(__name__, "identify")
