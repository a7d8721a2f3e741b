"""Optimizers that change the steps of another optimizer."""
