"""Functions and modules that make tables or positions: how they are called, and what they make."""
