"""Small models with one thing wrong, and right ones of the same kinds."""
