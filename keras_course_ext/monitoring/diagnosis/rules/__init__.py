"""The diagnosis rules, one a file: each is a pure function from a history to findings."""
