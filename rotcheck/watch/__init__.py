"""A program of the user run unchanged, and what was seen of it on the way: `launcher.py` runs it,
`hook/` is on its PYTHONPATH, `inside/` is what each of its Python processes runs, `run.py` reads
what they wrote.
"""
