"""What a model really does while it runs: which Python calls turn a tensor, which make tables, and
what enters the attention. Found by what the calls do, never by their names. Nothing here knows what
a model ought to do."""
