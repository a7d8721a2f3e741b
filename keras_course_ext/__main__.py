"""`python -m keras_course_ext`, the same as the command `keras-course-ext`."""

import sys

from keras_course_ext.command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
