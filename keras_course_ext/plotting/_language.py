"""The language of a plot, and a font that supports it."""

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_course_ext.plotting import _matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LANGUAGES = ("en", "ko")
# Families with all of Hangul, the most legible first. Of a font collection matplotlib reads only
# the first face; that of Noto Sans CJK is the Japanese one, which includes Hangul.
_FAMILIES = (
    "NanumGothic",
    "Nanum Gothic",
    "NanumBarunGothic",
    "NanumSquare",
    "Noto Sans KR",
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",
    "Source Han Sans KR",
    "Source Han Sans K",
    "Pretendard",
    "IBM Plex Sans KR",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "UnDotum",
    "Baekmuk Dotum",
    "NanumMyeongjo",
    "Noto Serif KR",
    "Noto Serif CJK KR",
    "Noto Serif CJK JP",
)
_FILES = re.compile("nanum|noto.*(cjk|kr)|malgun|pretendard", re.IGNORECASE)
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")


class Language:
    """The language of the labels of a plot: the requested one, if there is a font for it.

    Args:
        lang: "en" or "ko".
        function: Name of the calling function, for the message.

    Raises:
        ValueError: If `lang` is neither.
    """

    def __init__(self, lang: str, function: str):
        if lang not in LANGUAGES:
            raise ValueError(f"`lang` of {function} must be 'en' or 'ko'. Received: lang={lang!r}.")
        self._font: str | None = None
        self._searched = False
        self.korean = lang == "ko" and self._find() is not None

    def __call__(self, english: str, korean: str) -> str:
        """Return the text in the language of the plot."""
        return korean if self.korean else english

    def user_text(self, text: str | None, default: str) -> str:
        """Return the caller's text, or the default if there is none or no font for it."""
        if text is None or (_HANGUL.search(text) and self._find() is None):
            return default
        return text

    def set_fonts(self, *axes: "Axes") -> None:
        """Append a Korean font to the font families of the texts that need one."""
        from matplotlib.text import Text

        for ax in axes:
            for text in ax.findobj(Text):
                if not isinstance(text, Text) or not _HANGUL.search(text.get_text()):
                    continue
                font, families = self._find(), text.get_fontfamily()
                if font is not None and font not in families:
                    text.set_fontfamily([*families, font])

    def _find(self) -> str | None:
        if not self._searched:
            self._font, self._searched = korean_font(), True
            if self._font is None:
                warnings.warn(
                    "No font with Korean letters was found, the labels are English instead. "
                    "Install one, such as NanumGothic (`apt install fonts-nanum`) or Noto Sans KR, "
                    "and draw again.",
                    UserWarning,
                    stacklevel=1,
                )
        return self._font


def korean_font() -> str | None:
    """Return the family of an installed font that has Hangul, None if there is none."""
    _matplotlib.pyplot()
    from matplotlib import font_manager

    found = _first(font_manager.fontManager)
    if found is None:
        # The font may be newer than matplotlib's list, as after `apt install` in a notebook.
        for path in font_manager.findSystemFonts():
            if _FILES.search(Path(path).name):
                font_manager.fontManager.addfont(path)
        found = _first(font_manager.fontManager)
    return found


def _first(manager: Any) -> str | None:
    installed = {font.name for font in manager.ttflist}
    return next((family for family in _FAMILIES if family in installed), None)
