"""Do the weights fit the rotation that runs? The loss of a text, as the model is and with one thing
about its rotation changed at a time, by what stands in for the calls that were witnessed."""
