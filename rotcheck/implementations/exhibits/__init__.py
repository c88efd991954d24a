"""Implementations kept for what they show; they run only when named."""
