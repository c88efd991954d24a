"""Stands for vLLM."""
