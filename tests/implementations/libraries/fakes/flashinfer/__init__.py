"""Stands for flashinfer."""
