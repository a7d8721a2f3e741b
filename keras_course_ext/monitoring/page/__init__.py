"""A record as a page: the verdict, the map of the layers, pictures, evidence and remedies."""
