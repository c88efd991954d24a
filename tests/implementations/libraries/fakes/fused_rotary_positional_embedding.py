"""Stands for apex's extension."""
