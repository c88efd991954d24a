"""Stands for its part for transformers."""
