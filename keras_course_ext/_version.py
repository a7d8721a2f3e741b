"""The version of the distribution, and its only place."""

__version__ = "0.2.0"
