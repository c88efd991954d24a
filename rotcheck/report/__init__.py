"""One file for each way to show results (`formats/`), what they share, and the writing of files."""
