"""What is reported about a function: the evidence, whether a mistake is beyond doubt, and the code that shows it."""
