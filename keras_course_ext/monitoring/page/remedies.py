"""What a finding advises, as code to copy."""

import re
from collections.abc import Iterator, Sequence

from keras_course_ext.monitoring.diagnosis.finding import Finding
from keras_course_ext.monitoring.page.remedy_code import code_of
from keras_course_ext.monitoring.page.wording import say
from keras_course_ext.monitoring.record.schema import LayerInfo

# Advice names arguments as Python writes them: activation='relu', global_clipnorm=1.0.
_ARGUMENT = re.compile(r"\b(\w+)=('[^']*'|True|False|[-+.\de]*\d)")
_OF_LAYER = ("activation", "kernel_initializer", "bias_initializer")
_OF_OPTIMIZER = ("global_clipnorm", "clipnorm", "clipvalue")
_MOST_LAYERS = 4


def remedy(finding: Finding, layers: Sequence[LayerInfo], language: str) -> str:
    """Return the code of what a finding advises; empty if its advice names no code.

    Args:
        finding: The finding.
        layers: The layers of the record.
        language: Of the comments, "en" or "ko".
    """
    if finding.remedies:
        codes = [code_of(remedy) for remedy in finding.remedies]
        return "\n\n".join("\n".join(lines) for lines in codes if lines)
    blocks = ["\n".join(lines) for lines in _blocks(finding, layers, language) if lines]
    return "\n\n".join(blocks)


def _blocks(finding: Finding, layers: Sequence[LayerInfo], language: str) -> Iterator[list[str]]:
    arguments: dict[str, str] = {}
    for name, value in _ARGUMENT.findall(finding.advice):
        arguments.setdefault(name, value.replace("'", '"'))
    yield _layer_lines(finding, layers, arguments, language)
    if "normalization" in finding.advice.lower():
        yield [say(language, "# between two layers:"), "keras.layers.BatchNormalization()"]
    rate = re.search(r"(lower|raise) the learning rate", finding.advice, re.IGNORECASE)
    if rate:
        sign = "/" if rate[1].lower() == "lower" else "*"
        yield [f"model.optimizer.learning_rate = float(model.optimizer.learning_rate) {sign} 10"]
    clip = [f"{name}={arguments[name]}" for name in _OF_OPTIMIZER if name in arguments]
    if clip:
        yield [f"optimizer = keras.optimizers.Adam(learning_rate=1e-3, {', '.join(clip)})"]
    if "from_logits" in arguments:
        loss = f"keras.losses.SparseCategoricalCrossentropy(from_logits={arguments['from_logits']})"
        yield [say(language, "# without a softmax in the last layer:"), f"loss = {loss}"]
    if "trainable = False" in finding.advice:
        yield [
            say(language, "# if the layer is meant to be frozen:"),
            f"model.get_layer({finding.layer!r}).trainable = False",
        ]


def _layer_lines(
    finding: Finding, layers: Sequence[LayerInfo], arguments: dict[str, str], language: str
) -> list[str]:
    wanted = [f"{name}={arguments[name]}" for name in _OF_LAYER if name in arguments]
    if not wanted:
        return []
    concerned = _concerned(finding, layers)
    lines = []
    for info in concerned[:_MOST_LAYERS]:
        first = f"{info.units}, " if info.kind == "Dense" and info.units else "..., "
        kind = info.kind if info.kind.isidentifier() else "Dense"
        lines.append(f"keras.layers.{kind}({first}name={info.name!r}, {', '.join(wanted)})")
    more = len(concerned) - _MOST_LAYERS
    if more > 0:
        last = repr(concerned[-1].name)
        text = "# and likewise in {count} more, up to {last}"
        lines.append(say(language, text, count=more, last=last))
    return lines


def _concerned(finding: Finding, layers: Sequence[LayerInfo]) -> list[LayerInfo]:
    """Return the layers to change: those named in the advice as a range, or the layers concerned.

    Layers without a kernel, such as Activation, have no argument to change.
    """
    with_kernel = [info for info in layers if info.main_weights]
    between = re.search(r"'([^']*)' to '([^']*)'", finding.advice)
    names = [info.name for info in with_kernel]
    if between and between[1] in names and between[2] in names:
        return with_kernel[names.index(between[1]) : names.index(between[2]) + 1]
    concerned = {finding.layer, *finding.layers}
    return [info for info in with_kernel if info.name in concerned]
