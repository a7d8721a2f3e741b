"""The deck's 2-2-2 network with sigmoid and squared error, every number computed by hand."""

from pathlib import Path

import keras
import numpy as np
import pytest

import keras_course_ext as kce
from keras_course_ext import layers

# x = (1, 2), t = (1, 0). Layer 2 is the hidden one, layer 3 the output, as in the deck.
X, T = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0]])
W2, B2 = np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([0.1, 0.2])
W3, B3 = np.array([[0.5, -0.3], [-0.2, 0.4]]), np.array([0.1, -0.1])

# z₁ = 1 · 0.1 + 2 · 0.3 + 0.1,  z₂ = 1 · 0.2 + 2 · (−0.4) + 0.2
Z2 = [[0.8, -0.4]]
# a = 1 / (1 + e⁻ᶻ): 1 / (1 + 0.449328964117222), 1 / (1 + 1.49182469764127)
A2 = [[0.689974481127612, 0.401312339887548]]
# z₁ = 0.689974481127612 · 0.5 + 0.401312339887548 · (−0.2) + 0.1
#    = 0.344987240563806 − 0.0802624679775096 + 0.1
# z₂ = 0.689974481127612 · (−0.3) + 0.401312339887548 · 0.4 − 0.1
#    = −0.206992344338284 + 0.160524935955019 − 0.1
Z3 = [[0.364724772586297, -0.146467408383265]]
# 1 / (1 + 0.694388084), 1 / (1 + 1.157737077)
A3 = [[0.590183685180705, 0.463448468644283]]
# E₁ = 1/2 (1 − 0.590183685180705)² = 1/2 · 0.409816314819295²
# E₂ = 1/2 (0 − 0.463448468644283)²
E1, E2 = 0.083974705946034, 0.107392241544366
# E = E₁ + E₂ = 1/2 Σ (t − a)², the mean over the two outputs
E = 0.191366947490399  # 0.0839747059460335 + 0.1073922415443659
# ∂E/∂a = a − t
DA3 = [[-0.409816314819295, 0.463448468644283]]
# a (1 − a) = 0.590183685180705 · 0.409816314819295 = 0.241866902927227
#             0.463448468644283 · 0.536551531355717 = 0.248663985555552
# δ = −0.409816314819295 · 0.241866902927227, 0.463448468644283 · 0.248663985555552
DELTA3 = [[-0.099121002834392, 0.115242943312705]]
# ∂E/∂w₁₁ = 0.689974481127612 · (−0.099121002834392)
# ∂E/∂w₁₂ = 0.689974481127612 · 0.115242943312705
# ∂E/∂w₂₁ = 0.401312339887548 · (−0.099121002834392)
# ∂E/∂w₂₂ = 0.401312339887548 · 0.115242943312705
DW3 = [[-0.068390962499509, 0.079514690015802], [-0.039778481579470, 0.046248415236350]]
DB3 = [-0.099121002834392, 0.115242943312705]
# ∂E/∂a₁ = −0.099121002834392 · 0.5 + 0.115242943312705 · (−0.3)
#        = −0.049560501417196 − 0.034572882993812
# ∂E/∂a₂ = −0.099121002834392 · (−0.2) + 0.115242943312705 · 0.4
#        = 0.019824200566878 + 0.046097177325082
DA2 = [[-0.084133384411008, 0.065921377891960]]
# a (1 − a) = 0.689974481127612 · 0.310025518872388 = 0.213909696520294
#             0.401312339887548 · 0.598687660112452 = 0.240260745741529
# δ = −0.084133384411008 · 0.213909696520294, 0.065921377891960 · 0.240260745741529
DELTA2 = [[-0.017996946726584, 0.015838319412632]]
# x₁ = 1 times δ, x₂ = 2 times δ
DW2 = [[-0.017996946726584, 0.015838319412632], [-0.035993893453168, 0.031676638825263]]
DB2 = [-0.017996946726584, 0.015838319412632]
# ∂E/∂x₁ = −0.017996946726584 · 0.1 + 0.015838319412632 · 0.2
# ∂E/∂x₂ = −0.017996946726584 · 0.3 + 0.015838319412632 · (−0.4)
DA1 = [[0.001367969209868, -0.011734411783028]]


def network(dense, **options):
    model = keras.Sequential(
        [
            keras.Input((2,), dtype="float64"),
            dense(2, activation="sigmoid", name="hidden", dtype="float64"),
            dense(2, activation="sigmoid", name="output", dtype="float64"),
        ],
        name="deck",
    )
    model.set_weights([W2, B2, W3, B3])
    loss = keras.losses.MeanSquaredError(dtype="float64")
    return kce.backprop.trace(model, X, T, loss, **options)


def assert_is(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-15)


@pytest.mark.parametrize("dense", [layers.Dense, keras.layers.Dense], ids=["ours", "Keras's"])
def test_every_number_is_the_one_computed_by_hand(dense):
    trace = network(dense)
    first, hidden, output = trace.layers
    assert [layer.number for layer in trace.layers] == [1, 2, 3]
    assert [layer.role for layer in trace.layers] == ["input", "hidden", "output"]
    assert [layer.inputs for layer in trace.layers] == [(), (1,), (2,)]
    assert first.z is None
    assert first.delta is None
    assert_is(first.a, X)
    assert_is(first.da, DA1)
    for layer, z, a, da, delta, w, b, dw, db in (
        (hidden, Z2, A2, DA2, DELTA2, W2, B2, DW2, DB2),
        (output, Z3, A3, DA3, DELTA3, W3, B3, DW3, DB3),
    ):
        assert (layer.activation, layer.rule, layer.derivative) == ("sigmoid", "dense", "A (1 − A)")
        assert_is(layer.z, z)
        assert_is(layer.a, a)
        assert_is(layer.da, da)
        assert_is(layer.delta, delta)
        kernel, bias = layer.weights
        assert (kernel.name, bias.name) == ("kernel", "bias")
        assert_is(kernel.value, w)
        assert_is(kernel.gradient, dw)
        assert_is(bias.value, b)
        assert_is(bias.gradient, db)
    assert_is(trace.loss, E)
    assert_is(trace.losses["output"], E)
    (term,) = trace.problem.objective.terms
    assert_is(term.by_unit(T, output.a), [E1, E2])
    assert trace.check().ok


# Quantity, formula and number of the deck's tables, in its order; numbers to five digits.
PRINTED = """
Z⁽¹⁾                                no weights, so none
A⁽¹⁾       x                        [[1, 2]]
Z⁽²⁾       A⁽¹⁾ W⁽²⁾ + b⁽²⁾         [[0.8, −0.4]]
A⁽²⁾       sigmoid(Z⁽²⁾)            [[0.68997, 0.40131]]
Z⁽³⁾       A⁽²⁾ W⁽³⁾ + b⁽³⁾         [[0.36472, −0.14647]]
A⁽³⁾       sigmoid(Z⁽³⁾)            [[0.59018, 0.46345]]
W⁽²⁾                                [[0.1, 0.2], [0.3, −0.4]]
b⁽²⁾                                [0.1, 0.2]
W⁽³⁾                                [[0.5, −0.3], [−0.2, 0.4]]
b⁽³⁾                                [0.1, −0.1]
T                                   [[1, 0]]
E₁         1/2 (t₁ − a₁)²           0.083975
E₂         1/2 (t₂ − a₂)²           0.10739
E          1/n Σ (T − A)² = E₁ + E₂ 0.19137
L          E                        0.19137
∂L/∂A⁽³⁾   A⁽³⁾ − T                 [[−0.40982, 0.46345]]
δ⁽³⁾       ∂L/∂A⁽³⁾ · A⁽³⁾ (1 − A⁽³⁾) [[−0.099121, 0.11524]]
∂L/∂W⁽³⁾   A⁽²⁾ᵀ δ⁽³⁾               [[−0.068391, 0.079515], [−0.039778, 0.046248]]
∂L/∂b⁽³⁾   Σ δ⁽³⁾                   [−0.099121, 0.11524]
∂L/∂A⁽²⁾   δ⁽³⁾ W⁽³⁾ᵀ               [[−0.084133, 0.065921]]
δ⁽²⁾       ∂L/∂A⁽²⁾ · A⁽²⁾ (1 − A⁽²⁾) [[−0.017997, 0.015838]]
∂L/∂W⁽²⁾   A⁽¹⁾ᵀ δ⁽²⁾               [[−0.017997, 0.015838], [−0.035994, 0.031677]]
∂L/∂b⁽²⁾   Σ δ⁽²⁾                   [−0.017997, 0.015838]
∂L/∂A⁽¹⁾   δ⁽²⁾ W⁽²⁾ᵀ               [[0.001368, −0.011734]]
"""


def squeezed(text):
    return "".join(text.split())


def test_the_rows_are_the_deck_s():
    from keras_course_ext.backprop.rows import backward_blocks, forward_blocks

    trace = network(layers.Dense)
    blocks = [*forward_blocks(trace), *backward_blocks(trace)]
    found = [f"{r.quantity} {r.formula} {r.value}" for block in blocks for r in block.rows]
    expected = PRINTED.strip().splitlines()
    assert [squeezed(line) for line in found] == [squeezed(line) for line in expected]


def test_the_numbers_are_filled_in():
    text = squeezed(str(network(layers.Dense)))
    for filled in (
        "= [[1, 2]] [[0.1, 0.2], [0.3, −0.4]] + [0.1, 0.2] = [[0.8, −0.4]]",
        "= sigmoid([[0.8, −0.4]]) = [[0.68997, 0.40131]]",
        "= [[0.59018, 0.46345]] − [[1, 0]] = [[−0.40982, 0.46345]]",
        "= 1/2 (1 − 0.59018)² = 0.083975",
        "= [[1, 2]]ᵀ [[−0.017997, 0.015838]]",
        "= [[−0.099121, 0.11524]] [[0.5, −0.3], [−0.2, 0.4]]ᵀ",
    ):
        assert squeezed(filled) in text, filled
    slope = "[[−0.40982, 0.46345]] · [[0.59018, 0.46345]] · (1 − [[0.59018, 0.46345]])"
    assert squeezed(slope) in squeezed(network(layers.Dense).to_html())


def test_xor_with_crossentropy_starts_from_the_logits():
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(2, activation="sigmoid", name="hidden"),
            layers.Dense(1, activation="sigmoid", name="output"),
        ]
    )
    w = [[[-2.0, 2.0], [-2.0, 2.0]], [3.0, -1.0], [[1.0], [1.0]], [-1.0]]  # the deck's, chapter 3
    model.set_weights([np.array(one) for one in w])
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    t = np.array([[0], [1], [1], [0]])
    trace = kce.backprop.trace(model, x, t, "binary_crossentropy")
    output = trace["output"]
    np.testing.assert_allclose(output.a.ravel(), [0.555, 0.614, 0.614, 0.555], atol=5e-4)
    assert output.from_logits
    assert output.da is None
    np.testing.assert_allclose(output.delta, (output.a - t) / 4, rtol=1e-6)
    assert "the loss starts from Z" in str(trace)
    assert "= 1/4 (A⁽³⁾ − T)" in str(trace)
    assert trace.check().ok


def test_the_page_shows_this_very_table():
    page = Path(__file__).parents[2] / "docs" / "backprop.md"
    assert str(network(layers.Dense)).strip() in page.read_text("utf-8")
