"""Train under ParameterServerStrategy, with a worker and a server inside of this process.

A program of its own, because TensorFlow connects a process to a cluster for good. It prints one
object of JSON.
"""

import json
import socket

import keras
import numpy as np
import tensorflow as tf

import keras_course_ext as kce

STEPS = 3


def cluster() -> tf.distribute.cluster_resolver.ClusterResolver:
    """Start a worker and a parameter server."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    spec = tf.train.ClusterSpec({"worker": addresses[:1], "ps": addresses[1:]})
    # On one core TensorFlow would have one thread, which waits for itself.
    threads = tf.compat.v1.ConfigProto(inter_op_parallelism_threads=4)
    for job in ("worker", "ps"):
        tf.distribute.Server(spec, job_name=job, config=threads)
    return tf.distribute.cluster_resolver.SimpleClusterResolver(spec, rpc_layer="grpc")


def made() -> tuple[keras.Model, keras.optimizers.Optimizer]:
    """Return a model and its optimizer."""
    keras.utils.set_random_seed(1)
    layers = [kce.layers.Dense(5, activation="tanh"), kce.layers.Dense(3)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    optimizer = kce.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def step_of(model: keras.Model, optimizer: keras.optimizers.Optimizer):
    """Return one step on a fixed batch."""
    rng = np.random.default_rng(0)
    x, y = (tf.constant(rng.normal(size=(8, n)), tf.float32) for n in (4, 3))

    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2)
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    return step


def main() -> None:
    """Train the same model with and without the strategy."""
    tf.config.threading.set_inter_op_parallelism_threads(4)
    strategy = tf.distribute.ParameterServerStrategy(cluster())
    coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
    with strategy.scope():
        model, optimizer = made()
    step = step_of(model, optimizer)
    distributed = tf.function(lambda: strategy.run(step))
    for _ in range(STEPS):
        coordinator.schedule(distributed)
    coordinator.join()
    alone, own = made()
    own_step = tf.function(step_of(alone, own))
    for _ in range(STEPS):
        own_step()
    pairs = zip(model.weights, alone.weights, strict=True)
    apart = [abs(np.array(a) - np.array(b)).max() for a, b in pairs]
    found = {"apart": float(max(apart)), "steps": int(optimizer.iterations.numpy())}
    monitor = kce.callbacks.GradientMonitor(update_freq=1)
    with monitor.watch(model, optimizer):
        watched = tf.function(lambda: strategy.run(step))
        coordinator.schedule(watched)
        coordinator.join()
    found["watched"] = len(monitor.history)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
