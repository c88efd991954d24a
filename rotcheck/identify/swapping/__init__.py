"""Can one function replace another? What differs, the code that makes up for it,
and a run of both side by side."""
