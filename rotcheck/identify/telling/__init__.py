"""What is reported about a function: the evidence, whether a mistake is beyond doubt,
and which call shows it."""
