"""Layers that are an activation function, Keras's and ours."""

ACTIVATION_LAYERS = {
    "Linear": "linear",
    "ReLU": "relu",
    "ELU": "elu",
    "Softmax": "softmax",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "SELU": "selu",
    "GELU": "gelu",
    "SiLU": "silu",
    "HardSigmoid": "hard_sigmoid",
}
"""From the name of the class to that of the function."""
