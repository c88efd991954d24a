"""Stands for its functions."""
