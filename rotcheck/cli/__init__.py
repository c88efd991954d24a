"""The command line: one file of `commands/` for each command; parses, calls, prints.

Never imports torch.
"""
