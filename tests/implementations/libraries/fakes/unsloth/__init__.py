"""Stands for unsloth."""
