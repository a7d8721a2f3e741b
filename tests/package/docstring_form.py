"""The form of a docstring: where its sections begin, and what it lacks beside the code.

A summary of one line, the formula, `Args:`, shapes, `Returns:`, `Raises:`, `Example:`,
`Differs from ...:`, `Reference:`, `Deck:`, in this order.
"""

import ast
import inspect
import re
import textwrap
import typing

ORDER = [
    *("Args", "Attributes", "Call arguments", "Input shape", "Returns", "Yields", "Raises"),
    *("Example", "Differs", "Reference", "Deck"),
]
HEADER = re.compile(rf"^({'|'.join(ORDER)})( from [^:]+)?:(.*)$")

# Words, intervals, values and names of classes, one of which says what an argument is.
KINDS = re.compile(
    r"\b(floats?|integers?|numbers?|booleans?|whether|scalars?|strings?|names?|messages?|"
    r"expressions?|tensors?|arrays?|shapes?|gradients?|weights?|edges|lists?|tuples?|sequences?|"
    r"dictionar(y|ies)|dicts?|mappings?|iterables?|functions?|callables?|objects?|class(es)?|"
    r"schedules?|points?|models?|layers?|optimizers?|loss(es)?|variables?|slots?|dtypes?|ax[ei]s|path|"
    r"files?|folder|directory|index|seeds?|keyword|arguments?|deprecated|none|mean|dl/dw)\b"
    r"|in [\[(]-?[\d.]|[≥>] \d|\"[\w ]*\",? or \"|`[\w.]*[A-Z]\w+`",
    re.IGNORECASE,
)


class Docstring:
    """A docstring, cut at the headers of its sections."""

    def __init__(self, text):
        self.text = inspect.cleandoc(text or "")
        self.summary, *rest = self.text.split("\n")
        self.order, self.sections, self.head = [], {}, [""]
        body = self.head
        for line in rest:
            if match := HEADER.match(line):
                kind, what, inline = match.groups()
                body = self.sections[kind + (what or "")] = [inline]
                self.order.append(kind)
            else:
                body.append(line)

    def section(self, kind):
        return "\n".join(self.sections.get(kind, []))

    def listed(self, kind):
        """Name -> text, of the arguments that a section lists."""
        found, name = {}, None
        for line in self.sections.get(kind, []):
            if match := re.match(r"^ {4}(\*{0,2}\w+): (.*)$", line):
                name, found[match[1]] = match[1], match[2]
            elif name:
                found[name] += " " + line.strip()
        return found

    def formulas(self):
        """The summary and the indented lines below it, as far as they hold a formula."""
        lines = [self.summary, *(line for line in self.head if line.startswith("    "))]
        return [line for line in lines if re.search(r"\S +(=|←)", re.sub("`.*?`", "", line))]


def parameters(thing):
    """The parameters that a caller sees, each with its default.

    A `TypedDict` of keywords counts as its keys, whose defaults are Keras's.
    """
    if inspect.isclass(thing) and issubclass(thing, Exception) and "__init__" not in vars(thing):
        return {}
    if getattr(thing, "_is_protocol", False):
        return {}
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    seen = {}
    # The signature of a layer's class itself turns into that of `__new__` while other tests run.
    init = getattr(thing, "__init__", None)
    called = init if inspect.isclass(thing) and inspect.isfunction(init) else thing
    for name, parameter in inspect.signature(called).parameters.items():
        keywords = next(iter(typing.get_args(parameter.annotation)), None)
        if stars.get(parameter.kind) == "**" and typing.is_typeddict(keywords):
            seen |= dict.fromkeys(keywords.__annotations__, inspect.Parameter.empty)
        elif name not in ("self", "cls"):
            seen[stars.get(parameter.kind, "") + name] = parameter.default
    return seen


def tells_default(value, text):
    """Whether a text says `Defaults to` this value, or for None and objects what it comes to."""
    if value is inspect.Parameter.empty:
        return True
    told = re.search(r"Defaults (?:to|as) (\S+)", text)
    if not told:
        return False
    if isinstance(value, str):
        return f'Defaults to "{value}"' in text
    word = told[1].rstrip(".,:;").strip("`").replace("−", "-")
    if isinstance(value, bool):
        return word == str(value)
    if value == float("inf"):
        return word == "infinity"
    if isinstance(value, (int, float)):
        return re.fullmatch(r"-?[\d.]+(e-?\d+)?", word) is not None and float(word) == value
    return True


def raised(function):
    """The names of the exceptions that the code of a function raises by itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc:
            what = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(what, ast.Name) and what.id[0].isupper():
                yield what.id


def missing_in_form(docstring):
    if not docstring.summary.endswith((".", "?", "!")) or "".join(docstring.head[1:2]).strip():
        yield "a summary of one line that ends in a full stop"
    ranks = [ORDER.index(kind) for kind in docstring.order]
    if ranks != sorted(ranks):
        yield f"the order {', '.join(ORDER)}"
    if docstring.section("Example") and "\n    >>> " not in docstring.section("Example"):
        yield "a doctest in `Example:`, indented"
    for title, (inline, *body) in docstring.sections.items():
        if title.startswith("Differs") and (inline or not "".join(body[:1]).startswith("    ")):
            yield f"an indented text below `{title}:`"
    deck = docstring.section("Deck")
    if deck and not re.fullmatch(r" chapter [1-5], .+\.", deck, re.DOTALL):
        yield "`Deck: chapter N, page.`"


def missing_in_args(docstring, wanted):
    # Of what the package makes and a user only reads, the arguments are attributes.
    kind = "Args" if "Args" in docstring.sections else "Attributes"
    listed = docstring.listed(kind)
    if differing := [name for name in {**wanted, **listed} if (name in wanted) != (name in listed)]:
        yield f"`Args:` of just these parameters, {list(wanted)}: {differing}"
    for name in wanted.keys() & listed.keys():
        if kind == "Args" and not tells_default(wanted[name], listed[name]):
            yield f"`Defaults to` {wanted[name]!r} for `{name}`"
        if not KINDS.search(re.sub(r"Defaults to.*", "", listed[name])):
            yield f"the kind of `{name}`: {listed[name]!r}"


def missing_in_results(docstring, function):
    returned = inspect.signature(function).return_annotation
    gives = returned not in (None, "None", inspect.Signature.empty)
    if gives and not docstring.sections.keys() & {"Returns", "Yields"}:
        yield "`Returns:`"
    # `NotImplementedError` tells the author of a subclass, not a caller.
    for name in set(raised(function)) - {"NotImplementedError"}:
        if f"\n    {name}: " not in docstring.section("Raises"):
            yield f"`Raises:` {name}"
