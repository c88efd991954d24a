"""The folder that stands on the PYTHONPATH of a program that is watched."""
