"""What did a call do? From the response of a function to what it does with each pair of lanes."""
