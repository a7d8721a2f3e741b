"""The command `keras-course-ext`: reads the record of a run and says what is wrong. NumPy only."""
