"""In the training step: hooks collect its tensors and measure them, inside the traced graph."""
