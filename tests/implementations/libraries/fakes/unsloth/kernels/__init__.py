"""Stands for its kernels."""
