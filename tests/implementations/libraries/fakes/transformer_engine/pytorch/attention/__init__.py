"""Stands for its attention."""
