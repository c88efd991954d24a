"""Which calls does a function take? The roles of its arguments, the layouts and tables to try,
and the search."""
