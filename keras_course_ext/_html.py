"""Pages from templates: the only module that imports jinja2. All values are escaped."""

import re
from importlib import resources
from types import ModuleType
from typing import Any

# A page cannot hold these: control characters, surrogates, and marks that turn the direction of the
# text around them. The name of a layer may.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def render(package: str, template: str, purpose: str, **values: Any) -> str:
    """Return a template filled in; what it includes comes from the same folder.

    Args:
        package: Name of the package that the template lies in.
        template: Name of its file.
        purpose: What needs it, for the message of the error.
        **values: What the template names.

    Raises:
        ImportError: If jinja2 is not installed.
    """
    jinja2 = _jinja2(purpose)
    folder = resources.files(package)
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text("utf-8")),
    )
    text = environment.get_template(template).render(values)
    return _UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def has_jinja2() -> bool:
    """Whether jinja2 is installed; without it a notebook shows text."""
    try:
        _jinja2("")
    except ImportError:
        return False
    return True


def _jinja2(purpose: str) -> ModuleType:
    try:
        import jinja2
    except ImportError as error:
        raise ImportError(
            f"{purpose} needs jinja2, which is not installed. Write "
            '`pip install "keras-course-ext[html]"` or `pip install jinja2`.'
        ) from error
    return jinja2
