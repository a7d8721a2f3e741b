"""The language in which findings, reports and the command line speak: English or Korean.

A sentence is written once, in English, and is the key of its translation. A catalogue is a
dictionary from such a sentence, with the names of its figures in braces, to the Korean one:

    {"{count} of {units} units were 0.": "유닛 {units}개 중 {count}개가 0이었습니다."}
"""

import re
from collections.abc import Mapping

LANGUAGES = ("en", "ko")
_FIGURE = re.compile(r"\{(\w+)\}")
_current = "en"


def set_language(language: str) -> None:
    """Set the language of findings, reports and pages that are asked for without one.

    Args:
        language: `"en"` for English or `"ko"` for Korean.

    Raises:
        ValueError: If it is neither.

    Example:
        >>> import keras_course_ext as kce
        >>> from keras_course_ext.monitoring import GradientHistory
        >>> kce.set_language("ko")
        >>> kce.get_language()
        'ko'
        >>> kce.set_language("en")
    """
    global _current
    _current = checked_language(language)


def get_language() -> str:
    """Return the language that `set_language` set, `"en"` before the first call.

    Returns:
        `"en"` or `"ko"`.

    Example:
        >>> import keras_course_ext as kce
        >>> kce.get_language()
        'en'
    """
    return _current


def checked_language(language: str | None) -> str:
    """Return the language, or for None the one that `set_language` set.

    Raises:
        ValueError: If it is not a language that the package has.
    """
    if language is None:
        return _current
    if language not in LANGUAGES:
        raise ValueError(
            f"`language` must be 'en' (English) or 'ko' (Korean). Received: language={language!r}."
        )
    return language


class Catalogue:
    """Korean sentences by the English ones.

    Args:
        korean: English sentence, with the names of its figures in braces, to the Korean one.
    """

    def __init__(self, korean: Mapping[str, str]) -> None:
        self._korean = dict(korean)
        # Longer sentences first: a shorter one may be a part of them. Of a figure at the end it is
        # not known how far it reaches.
        sentences = [text for text in self._korean if " " in text and text[-1] != "}"]
        ordered = sorted(sentences, key=len, reverse=True)
        self._patterns = [(_pattern(text), self._korean[text]) for text in ordered]

    def say(self, language: str, english: str, **figures: object) -> str:
        """Return a sentence in a language, with its figures filled in."""
        text = self._korean.get(english, english) if language == "ko" else english
        return _FIGURE.sub(lambda found: str(figures.get(found[1], found[0])), text)

    def translated(self, language: str, text: str) -> str:
        """Return a text whose figures are filled in already; what is not known stays English."""
        if language != "ko":
            return text
        if text in self._korean:
            return self._korean[text]
        for pattern, korean in self._patterns:
            text = pattern.sub(lambda found, korean=korean: _filled(korean, found), text)
        return text


def _pattern(english: str) -> re.Pattern[str]:
    parts = _FIGURE.split(english)
    # Of `split` every second part is the name of a figure.
    return re.compile(
        "".join(f"(?P<{p}>.+?)" if i % 2 else re.escape(p) for i, p in enumerate(parts)), re.DOTALL
    )


def _filled(korean: str, found: re.Match[str]) -> str:
    return _FIGURE.sub(lambda figure: found[figure[1]], korean)
