"""Functions that permute the rows of a checkpoint's weights between pairings."""
