"""What a model really does with its positions, held against what its configuration declares."""
