"""Stands for Transformer Engine."""
