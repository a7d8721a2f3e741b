"""`keras-course-ext report`: the table of the layers and the findings, also as a page."""

from argparse import Namespace

from keras_course_ext._language import checked_language
from keras_course_ext.command_line.documents import document_of, print_json
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose
from keras_course_ext.monitoring.diagnosis.report import print_report
from keras_course_ext.monitoring.page.page import write_page
from keras_course_ext.monitoring.record.history import GradientHistory


def report(options: Namespace) -> bool:
    """Print a record, and write its page; return whether there are findings."""
    language = checked_language(options.language)
    history = GradientHistory.load(options.record)
    findings = diagnose(history)
    if options.html is not None:
        write_page(history, options.html, language)
    if options.json:
        print_json(document_of(options.record, history, findings, language))
    else:
        print_report(history, language=language)
    return bool(findings)
