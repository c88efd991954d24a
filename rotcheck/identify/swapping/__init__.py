"""Can one function stand in for another? What differs, the code that makes up for it, both run side by side."""
