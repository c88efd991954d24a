"""Rotary functions of libraries, used where they are found, one file each; they run only when named."""
