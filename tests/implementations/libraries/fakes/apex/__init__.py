"""Stands for NVIDIA's apex."""
