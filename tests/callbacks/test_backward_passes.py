"""Steps that differentiate several times: the record is of the pass that the optimizer applies."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.callbacks import GradientMonitor

RATE, RADIUS, STEPS, BATCH = 0.1, 0.5, 3, 4
MODES = {
    "graph": {"jit_compile": False},
    "eager": {"run_eagerly": True},
    "jit": {"jit_compile": True},
    "two steps": {"steps_per_execution": 2, "jit_compile": False},
}


def data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(STEPS * BATCH, 3)).astype("float32")
    return x, rng.normal(size=(STEPS * BATCH, 3)).astype("float32")


class Nets(keras.Model):
    """A generator of two layers, and a critic of two; which step they make is a function."""

    def __init__(self, step):
        super().__init__()
        self.step = step
        self.g = [keras.layers.Dense(4, "tanh", name="g1"), keras.layers.Dense(3, name="g2")]
        self.d = [keras.layers.Dense(4, "tanh", name="d1"), keras.layers.Dense(1, name="d2")]

    def build(self, shape):
        for layer, n in zip((*self.g, *self.d), (3, 4, 3, 4), strict=True):
            layer.build((None, n))

    def call(self, x):
        return self.critic(self.generator(x))

    def generator(self, x):
        return self.g[1](self.g[0](x))

    def critic(self, x):
        return self.d[1](self.d[0](x))

    def compile(self, **mode):
        super().compile(optimizer=None, **mode)
        self.g_optimizer, self.d_optimizer = (keras.optimizers.SGD(RATE) for _ in range(2))

    def train_step(self, batch):
        self.step(self, *batch)
        return {"loss": tf.constant(0.0)}

    def weights_of(self, net):
        return [w for layer in net for w in layer.trainable_variables]


def losses(fake, real):
    """Losses of critic and generator, from what the critic says of fake and real samples."""
    return tf.reduce_mean((real - 1) ** 2) + tf.reduce_mean(fake**2), tf.reduce_mean(
        (fake - 1) ** 2
    )


def gan(m, z, x):
    """One pass for the critic, another one for the generator, which flows through the critic."""
    with tf.GradientTape() as tape:
        loss, _ = losses(m.critic(m.generator(z)), m.critic(x))
    weights = m.weights_of(m.d)
    m.d_optimizer.apply(tape.gradient(loss, weights), weights)
    with tf.GradientTape() as tape:
        _, loss = losses(m.critic(m.generator(z)), tf.constant(0.0))
    weights = m.weights_of(m.g)
    m.g_optimizer.apply(tape.gradient(loss, weights), weights)


def pix2pix(m, z, x):
    """Two tapes over one forward pass; both gradients before both updates, which are clipped."""
    with tf.GradientTape() as of_g, tf.GradientTape() as of_d:
        loss_d, loss_g = losses(m.critic(m.generator(z)), m.critic(x))
    g, d = m.weights_of(m.g), m.weights_of(m.d)
    gradients_g, gradients_d = of_g.gradient(loss_g, g), of_d.gradient(loss_d, d)
    m.g_optimizer.apply([1.0 * x for x in gradients_g], g)
    m.d_optimizer.apply([1.0 * x for x in gradients_d], d)


def persistent(m, z, x):
    """As pix2pix, by one tape."""
    with tf.GradientTape(persistent=True) as tape:
        loss_d, loss_g = losses(m.critic(m.generator(z)), m.critic(x))
    g, d = m.weights_of(m.g), m.weights_of(m.d)
    m.g_optimizer.apply(tape.gradient(loss_g, g), g)
    m.d_optimizer.apply(tape.gradient(loss_d, d), d)


def sam(m, z, x):
    """Sharpness-aware minimization of the critic: the gradient at the worst point nearby."""
    weights = m.weights_of(m.d)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((m.critic(x) - 1) ** 2)
    gradients = tape.gradient(loss, weights)
    scale = RADIUS / tf.linalg.global_norm(gradients)
    for w, g in zip(weights, gradients, strict=True):
        w.assign_add(scale * g)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((m.critic(x) - 1) ** 2)
    there = tape.gradient(loss, weights)
    for w, g in zip(weights, gradients, strict=True):
        w.assign_sub(scale * g)
    m.d_optimizer.apply(there, weights)


def penalty(m, z, x):
    """A gradient penalty: a pass inside of the loss."""
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(z)
            at_z = m.critic(z)
        slope = inner.gradient(at_z, z)
        loss = tf.reduce_mean((m.critic(x) - 1) ** 2) + tf.reduce_mean((slope - 1) ** 2)
    weights = m.weights_of(m.d)
    m.d_optimizer.apply(tape.gradient(loss, weights), weights)


class ByHand:
    """The same nets as matrices; `outputs` are kept, as the next layer gets them."""

    def __init__(self, weights):
        self.w = [tf.Variable(w) for w in weights]
        self.found = []

    def net(self, x, first):
        w = self.w[first : first + 4]
        h = tf.identity(tf.tanh(x @ w[0] + w[1]))
        return [h, tf.identity(h @ w[2] + w[3])]

    def note(self, tape, loss, outputs, first, name):
        """Note what the record must hold of a pass, and update."""
        w = self.w[first : first + 4]
        values = {}
        for layer, uses in outputs.items():
            flows = [f for f in tape.gradient(loss, uses) if f is not None]
            flat = np.concatenate([np.ravel(f) for f in flows])
            values[layer, "output", "grad_norm"] = np.linalg.norm(flat)
            kept = [
                u for u, f in zip(uses, tape.gradient(loss, uses), strict=True) if f is not None
            ]
            values[layer, "output", "mean"] = np.mean(np.concatenate([np.ravel(u) for u in kept]))
        gradients = tape.gradient(loss, w)
        for i, layer in enumerate((f"{name}1", f"{name}2")):
            values[layer, "kernel", "grad_norm"] = np.linalg.norm(gradients[2 * i])
        self.found.append(values)
        return list(zip(w, gradients, strict=True))

    def update(self, *pairs):
        for w, g in [pair for some in pairs for pair in some]:
            w.assign_sub(RATE * g)

    def passes(self, z, x):
        with tf.GradientTape(persistent=True) as tape:
            g, real = self.net(z, 0), self.net(x, 4)
            fake = self.net(g[1], 4)
            loss_d, loss_g = losses(fake[1], real[1])
        of_d = {"d1": [fake[0], real[0]], "d2": [fake[1], real[1]]}
        of_g = {"g1": [g[0]], "g2": [g[1]], "d1": [fake[0]], "d2": [fake[1]]}
        return tape, (loss_d, of_d, 4, "d"), (loss_g, of_g, 0, "g")

    def gan(self, z, x):
        tape, of_d, _ = self.passes(z, x)
        self.update(self.note(tape, *of_d))
        tape, _, of_g = self.passes(z, x)
        self.update(self.note(tape, *of_g))

    def pix2pix(self, z, x):
        tape, of_d, of_g = self.passes(z, x)
        self.update(self.note(tape, *of_g), self.note(tape, *of_d))

    def persistent(self, z, x):
        tape, of_d, of_g = self.passes(z, x)
        self.update(self.note(tape, *of_g))
        # So far there was one pass, and no other to tell the uses apart by.
        for layer in ("d1", "d2"):
            del self.found[-1][layer, "output", "mean"]
        # The tape differentiates at the weights of the forward pass.
        self.update(self.note(tape, *of_d))

    def sam(self, z, x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self.net(x, 4)[1] - 1) ** 2)
        gradients = tape.gradient(loss, self.w[4:])
        scale = RADIUS / tf.linalg.global_norm(gradients)
        before = [w.numpy() for w in self.w[4:]]
        for w, g in zip(self.w[4:], gradients, strict=True):
            w.assign_add(scale * g)
        with tf.GradientTape(persistent=True) as tape:
            h, y = self.net(x, 4)
            loss = tf.reduce_mean((y - 1) ** 2)
        pairs = self.note(tape, loss, {"d1": [h], "d2": [y]}, 4, "d")
        for w, b in zip(self.w[4:], before, strict=True):
            w.assign(b)
        ratio = RATE * np.linalg.norm(pairs[0][1]) / np.linalg.norm(before[0])
        self.found[-1]["d1", "kernel", "update_ratio"] = ratio
        self.found[-1]["d1", "kernel", "weight_norm"] = np.linalg.norm(before[0])
        self.update(pairs)

    def penalty(self, z, x):
        with tf.GradientTape(persistent=True) as tape:
            with tf.GradientTape() as inner:
                inner.watch(z)
                at_z = self.net(z, 4)
            slope = inner.gradient(at_z[1], z)
            at_x = self.net(x, 4)
            loss = tf.reduce_mean((at_x[1] - 1) ** 2) + tf.reduce_mean((slope - 1) ** 2)
        outputs = {"d1": [at_x[0], at_z[0]], "d2": [at_x[1], at_z[1]]}
        self.update(self.note(tape, loss, outputs, 4, "d"))


def expected(model, name):
    weights = [model.weights_of(net) for net in (model.g, model.d)]
    hand = ByHand([w.numpy() for net in weights for w in net])
    x, y = data()
    for at in range(0, len(x), BATCH):
        getattr(hand, name)(*(tf.constant(a[at : at + BATCH]) for a in (x, y)))
    return hand.found


def check(history, found):
    assert history.steps.tolist() == list(range(len(found)))
    for key in {key for values in found for key in values}:
        steps, _, values = history.series(*key)
        want = [(step, v[key]) for step, v in enumerate(found) if key in v]
        if key[2] == "grad_norm":
            assert steps.tolist() == [step for step, _ in want], key
        values = values[np.isin(steps, [step for step, _ in want])]
        np.testing.assert_allclose(values, [v for _, v in want], rtol=2e-4, err_msg=str(key))


def built(name, mode):
    keras.utils.set_random_seed(0)
    model = Nets({f.__name__: f for f in (gan, pix2pix, persistent, sam, penalty)}[name])
    model.build((None, 3))
    model.compile(**MODES[mode])
    return model


NAMES = ["gan", "pix2pix", "persistent", "sam", "penalty"]
CELLS = [(mode, name) for mode in ("graph", "eager") for name in NAMES]


@pytest.mark.thin("graph-sam", "eager-penalty")
@pytest.mark.parametrize(("mode", "name"), [*CELLS, ("jit", "penalty"), ("two steps", "pix2pix")])
def test_the_pass_that_is_applied_is_recorded(mode, name):
    model, monitor = built(name, mode), GradientMonitor(update_freq=1)
    found = expected(model, name)
    x, y = data()
    plain = built(name, mode)
    for one, callbacks in ((model, [monitor]), (plain, [])):
        one.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=callbacks)
    check(monitor.history, found)
    for one, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0 if mode == "eager" else 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gan", "sam"])
def test_in_a_loop_that_is_not_traced_the_passes_of_others_are_left_out(name):
    """One of two optimizers is followed: the pass of the other one is none of its steps."""
    model, monitor = built(name, "eager"), GradientMonitor(update_freq=1)
    found = [v for v in expected(model, name) if ("g1", "kernel", "grad_norm") not in v]
    x, y = data()
    with monitor.watch(model, model.d_optimizer):
        for at in range(0, len(x), BATCH):
            model.train_step(tuple(tf.constant(a[at : at + BATCH]) for a in (x, y)))
    check(monitor.history, found)
