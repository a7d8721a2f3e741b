"""Every public name is documented in one form, from its summary to its page in the deck.

`docstring_form.py` says what the form is. The tables here say which part of the package needs
which section, and why not elsewhere.
"""

import functools
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from docstring_form import (
    Docstring,
    missing_in_args,
    missing_in_form,
    missing_in_results,
    parameters,
)

import keras_course_ext as kce
from keras_course_ext.optimizers.arguments import CommonArguments

PACKAGE = Path(kce.__file__).parent
DOCS = Path(__file__).parents[2] / "docs"
IMPORT = re.compile(r"^from (keras_course_ext\.\S+) import (\w+)$", re.MULTILINE)
PARTS = [
    *("ops", "activations", "layers", "losses", "optimizers", "backprop", "gradient_check"),
    *("monitoring", "monitoring.sinks", "callbacks", "plotting", "sharpness"),
]

# All that computes has a formula. The rest records, draws, checks or looks things up.
WITH_FORMULA = {"ops", "activations", "layers", "losses", "optimizers", "rules", "sharpness"}
# What works on arrays whose axes mean something.
WITH_SHAPES = {"ops", "activations", "layers", "losses"}
LOOKUPS = {"get", "serialize", "deserialize"}  # They find things by name, and compute nothing.
# All that was published says where, and so does the layer or loss around it.
WITH_REFERENCE = {"ops", "activations", "layers", "losses", "optimizers"}
NO_PAPER = {
    "activation": "looks others up",
    "affine": "matrix algebra",
    "binarycrossentropy": "older than neural networks",
    "categoricalcrossentropy": "older than neural networks",
    "dense": "matrix algebra",
    "exponential": "older than neural networks",
    "halfsquarederror": "older than neural networks",
    "linear": "the identity",
    "logsoftmax": "older than neural networks",
    "meansquarederror": "older than neural networks",
    "ruleoptimizer": "the base of all",
    "sigmoid": "older than neural networks",
    "softmax": "older than neural networks",
    "sparsecategoricalcrossentropy": "older than neural networks",
    "tanh": "older than neural networks",
    "timebaseddecay": "what Keras 2 called `decay`",
    "trajectory": "runs the others",
}
# Why the methods of a class need no example of their own. Elsewhere a method has one, or is called
# in that of its class, or is one of a class above. What a property is, its summary says.
NO_EXAMPLE = {
    "GuardedOptimizer": "called by the step",
    "RuleDeclaration": "called by the step; docs/write_your_own_rule.md defines them",
    "RuleOptimizer": "called by the step, or known from Keras",
    "Comparison": "called by the report",
    "FileSink": "called by the monitor",
    "SAM": "called by `fit`",
    "Slot": "called when the slots are created",
    "LayerWise": "`swap` is that of ScheduleFreeAdamW",
}
# Records that are made in the example of GradientHistory, which holds them.
SHOWN_ELSEWHERE = {"Key", "LayerInfo"}
# Every object of Keras has these two, and the summary says whose arguments they are.
KNOWN = {"get_config", "from_config"}
# Symbol, without regard to case and underscores -> the chapters of the deck that have it. With its
# part before it where two parts have different things of one name.
DECK = {
    "activation": "2 5",
    "adagrad": "5",
    "animate": "5",
    "adam": "1 5",
    "affine": "2 4",
    "binarycrossentropy": "2",
    "categoricalcrossentropy": "1",
    "decisionboundary": "2",
    "dense": "1 4",
    "gradientdescent": "5",
    "gradientmonitor": "5",
    "halfsquarederror": "4",
    "hiddenspace": "3",
    "layertrace": "4",
    "linear": "1",
    "meansquarederror": "4",
    "momentum": "5",
    "nesterovmomentum": "5",
    "network": "3 4",
    "perceptron": "2 3",
    "perceptroncriterion": "2 3",
    "plotting.activation": "5",
    "relu": "1 5",
    "rmsprop": "5",
    "sgd": "5",
    "sigmoid": "4 5",
    "softmax": "1",
    "step": "2 3",
    "surface": "5",
    "tanh": "5",
    "timebaseddecay": "5",
    "trace": "4",
    "trajectories": "5",
    "weighttrace": "4",
}
# For the alternatives to the sigmoid there is a page, which names tanh and ReLU.
ALTERNATIVES = ["elu", "gelu", "hardsigmoid", "leakyrelu", "selu", "silu", "softplus", "softsign"]
DECK |= dict.fromkeys([*ALTERNATIVES, "swish"], "5")


def plain(name):
    return name.lower().replace("_", "")


@functools.cache
def public():
    """(part, name) -> the object: what an `__all__` has, what docs/ imports, and every rule."""
    names = {}
    for part in PARTS:
        module = importlib.import_module(f"keras_course_ext.{part}")
        members = {name: getattr(module, name) for name in module.__all__}
        names |= {(part, n): member for n, member in members.items() if callable(member)}
    for path in sorted(DOCS.rglob("*.md")):
        for module, name in IMPORT.findall(path.read_text("utf-8")):
            names["docs", name] = getattr(importlib.import_module(module), name)
    rules = importlib.import_module("keras_course_ext.optimizers.rules")
    names |= {("rules", name): getattr(rules, name) for name in rules.__all__}
    return names


@functools.cache
def methods():
    """(class, name) -> the function of every public method that a public class has from us."""
    found = {}
    for cls in filter(inspect.isclass, public().values()):
        for base in cls.__mro__:
            if not base.__module__.startswith("keras_course_ext"):
                continue
            for name, member in vars(base).items():
                function = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if not name.startswith("_") and inspect.isfunction(inspect.unwrap(function)):
                    found[base, name] = function
    return found


def arguments_of(thing):
    wanted = parameters(thing)
    if thing is kce.optimizers.RuleOptimizer:
        del wanted["**arguments"]
        others = CommonArguments.__annotations__.keys() - wanted.keys()
        wanted |= dict.fromkeys(others, inspect.Parameter.empty)
    return wanted


def is_generated(cls):
    """Whether the `__init__` of a class is that of `dataclass` or `Protocol`."""
    return hasattr(cls, "__dataclass_fields__") or getattr(cls, "_is_protocol", False)


def missing_in_name(part, name, thing):
    docstring = Docstring(thing.__doc__)
    yield from missing_in_form(docstring)
    yield from missing_in_args(docstring, arguments_of(thing))
    if not inspect.isclass(thing):
        yield from missing_in_results(docstring, thing)
    elif "__init__" in vars(thing) and not is_generated(thing):
        yield from missing_in_results(docstring, thing.__init__)
    if "Example" not in docstring.sections and name not in SHOWN_ELSEWHERE:
        yield "`Example:`"
    if name not in LOOKUPS:
        if part in WITH_FORMULA and not docstring.formulas():
            yield "a formula, with = or ←, in the summary or indented below it"
        if part in WITH_SHAPES and not re.search(r"\b(shape|rank)\b", docstring.text):
            yield "shapes"
        cites = "Reference" in docstring.sections or plain(name) in NO_PAPER
        if part in WITH_REFERENCE and not cites:
            yield "`Reference:`"
    chapters = " ".join(sorted(set(re.findall(r"chapter (\d)", docstring.section("Deck")))))
    wanted = DECK.get(f"{part}.{plain(name)}", DECK.get(plain(name), ""))
    if chapters != wanted:
        yield f"`Deck:` with the chapters {wanted or None}, it has {chapters or None}"


def missing_in_method(cls, name, function):
    docstring = Docstring(function.__doc__)
    overrides = any(name in vars(base) for base in cls.__mro__[1:])
    if overrides and not function.__doc__:
        return  # The docstring is that of the class above.
    yield from missing_in_form(docstring)
    if isinstance(inspect.getattr_static(cls, name), property) or name in KNOWN:
        return
    if overrides and not docstring.order:
        return  # The contract is that of the class above; the summary says what is new.
    yield from missing_in_args(docstring, parameters(function))
    yield from missing_in_results(docstring, function)
    example = Docstring(cls.__doc__).section("Example")
    shown = "Example" in docstring.sections or re.search(rf"(\.|def ){name}\(", example)
    if not (shown or overrides or cls.__name__ in NO_EXAMPLE):
        yield "`Example:`, here or in the class"


@pytest.mark.parametrize("key", public(), ids=".".join)
def test_a_public_name_is_documented(key: tuple[str, str]):
    missing = list(missing_in_name(*key, public()[key]))
    assert not missing, f"{'.'.join(key)} lacks {'; '.join(missing)}"


@pytest.mark.parametrize("key", methods(), ids=lambda key: f"{key[0].__name__}.{key[1]}")
def test_a_public_method_is_documented(key: tuple[type, str]):
    missing = list(missing_in_method(*key, methods()[key]))
    assert not missing, f"{key[0].__name__}.{key[1]} lacks {'; '.join(missing)}"


@pytest.mark.parametrize("part", ["layers", "losses"])
def test_a_layer_or_loss_cites_what_its_op_cites(part):
    ops = {plain(name): op for (where, name), op in public().items() if where == "ops"}
    for (where, name), thing in public().items():
        if where == part and plain(name) in ops:
            cited = [Docstring(x.__doc__).section("Reference") for x in (thing, ops[plain(name)])]
            assert cited[0].split() == cited[1].split(), name


def test_the_tables_name_nothing_that_is_not_there():
    names = {plain(name) for _, name in public()}
    names |= {f"{part}.{plain(name)}" for part, name in public()}
    assert names >= DECK.keys() | NO_PAPER.keys()
    assert {cls.__name__ for cls, _ in methods()} >= NO_EXAMPLE.keys()


def complete(x: Any, slope: float = 0.5) -> Any:
    """Bends a line.

        f(x) = x if x > 0 else slope · x

    Args:
        x: Floating-point tensor of any shape.
        slope: A number in [0, 1]. Defaults to 0.5.

    Returns:
        A tensor of the shape of `x`.

    Raises:
        ValueError: If the slope is negative.

    Example:
        >>> 1 + 1
        2

    Differs from Keras:
        It has a bend.

    Reference: Nobody, Nothing, 2020, section 1.

    Deck: chapter 1, `activation='relu'`; chapter 5, ReLU.
    """
    if slope < 0:
        raise ValueError("The slope is negative.")
    return x


def test_a_complete_docstring_lacks_nothing():
    assert not list(missing_in_name("ops", "relu", complete))


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ("Bends a line.", "Bends a line", "full stop"),
        ("Bends a line.", "Bends a\nline.", "full stop"),
        ("f(x) = x", "x", "formula"),
        ("Args:", "Arguments:", "`Args:`"),
        ("    x: Floating", "    y: Floating", "`Args:`"),
        ("    slope: A number in [0, 1]. Defaults to 0.5.", "", "`Args:`"),
        ("Floating-point tensor of any shape.", "The input.", "kind of `x`"),
        ("Defaults to 0.5", "Defaults to 0.3", "`Defaults to` 0.5"),
        (" Defaults to 0.5.", "", "`Defaults to` 0.5"),
        ("shape", "size", "shapes"),
        ("Returns:", "Gives:", "`Returns:`"),
        ("ValueError:", "TypeError:", "`Raises:` ValueError"),
        ("Raises:", "Fails:", "`Raises:` ValueError"),
        (">>> 1", "1", "doctest"),
        ("    >>> 1 + 1\n    2", ">>> 1 + 1\n2", "doctest"),
        ("Example:", "Doctest:", "`Example:`"),
        ("Differs from Keras:\n    It", "Differs from Keras: It", "`Differs from Keras:`"),
        ("Reference:", "Source:", "`Reference:`"),
        ("Deck:", "Course:", "`Deck:`"),
        ("chapter 5", "chapter 4", "`Deck:` with the chapters 1 5"),
        ("Deck: chapter 1", "Deck: Chapter 1", "chapter N"),
        ("Reference: Nobody", "Deck: chapter 1, 5.\n\nReference: Nobody", "the order"),
    ],
)
def test_an_incomplete_docstring_is_refused(monkeypatch, old, new, missing):
    text = inspect.cleandoc(complete.__doc__ or "")
    assert old in text
    monkeypatch.setattr(complete, "__doc__", text.replace(old, new))
    assert any(missing in lack for lack in missing_in_name("ops", "relu", complete))
