"""Findings and reports in the language of the reader."""

from keras_course_ext._language import Catalogue
from keras_course_ext.monitoring.diagnosis.finding import Finding, in_order
from keras_course_ext.monitoring.diagnosis.korean import FINDINGS, REPORT
from keras_course_ext.monitoring.diagnosis.korean_remedies import REMEDIES
from keras_course_ext.monitoring.diagnosis.korean_task import EVIDENCE, NAMES
from keras_course_ext.monitoring.record.names import printable

_CATALOGUE = Catalogue({**FINDINGS, **NAMES, **EVIDENCE, **REMEDIES, **REPORT})
say = _CATALOGUE.say
translated = _CATALOGUE.translated


def name_of(finding: Finding, language: str) -> str:
    """Return what a finding is called, such as "vanishing gradient"."""
    return translated(language, finding.name)


def paragraph(finding: Finding, language: str) -> str:
    """Return a finding as a paragraph."""
    if language == "en":
        return str(finding)
    parts = [
        heading(finding, language),
        translated(language, finding.evidence),
        translated(language, finding.cause),
        advice_of(finding, language),
    ]
    if finding.symptoms:
        kinds = ", ".join(name_of(symptom, language) for symptom in finding.symptoms)
        parts.append(say(language, "It explains: {kinds}.", kinds=kinds))
    return printable(" ".join(part for part in parts if part))


def heading(finding: Finding, language: str) -> str:
    """Return the beginning of the paragraph: what was found, where and when."""
    text = "{name} in '{layer}' (epoch {epoch}):" if finding.layer else "{name} (epoch {epoch}):"
    name = name_of(finding, language)
    return say(language, text, name=name, layer=finding.layer, epoch=finding.epoch)


def advice_of(finding: Finding, language: str) -> str:
    """Return what to change: the advice of the rule, or the remedies in order."""
    texts = [remedy.text for remedy in finding.remedies]
    if language == "en" or not texts or finding.advice != in_order(texts):
        return translated(language, finding.advice)
    first, *others = (translated(language, text) for text in texts)
    return " ".join([first, *(say(language, "Or: {text}", text=text) for text in others)])
