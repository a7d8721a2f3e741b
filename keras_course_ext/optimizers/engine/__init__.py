"""Everything between a pure rule and Keras's `Optimizer`: slots, steps, engines and state."""
