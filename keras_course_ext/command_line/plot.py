"""`keras-course-ext plot`: a picture of a record."""

from argparse import Namespace

from keras_course_ext._language import checked_language
from keras_course_ext.command_line.documents import print_json
from keras_course_ext.monitoring.record.history import GradientHistory

KINDS = ("gradients", "lines", "depth", "activations", "update_ratios")


def plot(options: Namespace) -> bool:
    """Draw a record into a file."""
    # matplotlib is needed for this command only, and its import takes longer than the others.
    from keras_course_ext.plotting.save import draw

    history = GradientHistory.load(options.record)
    draw(history, options.picture, options.kind, checked_language(options.language))
    if options.json:
        names = {"record": options.record, "kind": options.kind, "picture": options.picture}
        print_json(names)
    return False
