"""The code that some entries of the table need around a call of their function,
a file for each library."""
