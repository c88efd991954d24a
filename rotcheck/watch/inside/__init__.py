"""What runs inside the processes of a user's program.

Nothing here may end or change that program: what goes wrong is written into its record.
"""
