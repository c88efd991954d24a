"""The registry, and one file for each implementation or library.

An implementation is a module of this folder. Its name is the file's, with `-` for `_`; the folder
`exhibits` holds those that run only when named. `interface.py` says what such a module has.
"""
