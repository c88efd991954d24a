"""What will break, or go silently wrong, on another device? A project read without running it.

`source_files` says which files are read, `module` is one of them with what a rule asks of it,
`project` is all of them, `rules/` has a file for each kind of hazard, `ignore_comments` reads the
comments that ignore one, and `run` does it all.
"""

from rotcheck.callable_room import callable_as

callable_as(__name__, "scan")
