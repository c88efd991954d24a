"""What is said of a function: the evidence, whether a mistake is beyond doubt, and the code that shows it."""
