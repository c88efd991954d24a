"""What else does a function do, once it is known how to call it? One question a file."""
