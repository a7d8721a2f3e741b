"""The diagnosis rules: one a file, each a pure function from a history to findings."""
