"""`keras-course-ext diagnose`: the findings of a record."""

from argparse import Namespace

from keras_course_ext._language import checked_language
from keras_course_ext.command_line.documents import findings_of, print_json
from keras_course_ext.monitoring.diagnosis.diagnose import diagnose as findings_in
from keras_course_ext.monitoring.diagnosis.report import tested
from keras_course_ext.monitoring.diagnosis.wording import paragraph
from keras_course_ext.monitoring.record.history import GradientHistory


def diagnose(options: Namespace) -> bool:
    """Print the findings; return whether there are any."""
    language = checked_language(options.language)
    history = GradientHistory.load(options.record)
    findings = findings_in(history)
    if options.json:
        print_json({"record": options.record, "findings": findings_of(findings, language)})
        return bool(findings)
    texts = [paragraph(finding, language) for finding in findings] or [tested(history, language)]
    print("\n\n".join(texts))
    return bool(findings)
