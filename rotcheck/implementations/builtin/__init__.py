"""rotcheck's own implementations, a file each; they run by default."""
