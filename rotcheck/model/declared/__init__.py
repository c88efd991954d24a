"""What a configuration declares about its rotation, and what explains a model that does not."""
