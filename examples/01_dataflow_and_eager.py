# %% [markdown]
# # Dataflow graph and eager execution
#
# - Title: z = w x + b in TensorFlow 1, in TensorFlow 2, as a graph, and on another device
# - 제목: z = w x + b로 보는 데이터 플로우 그래프와 즉시 실행
# - Deck chapter: 1, TensorFlow, "데이터 플로우 그래프", "TF1.x vs TF2.x"
# - You will see: the deck's two listings, the graph drawn, the same code on two devices.
# - Description: TensorFlow 1 built a graph and then ran it. TensorFlow 2 computes immediately, and
#   `tf.function` still builds a graph. The deck's TF2 listing has a misprint.

# %%
import argparse
import contextlib
import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, default="out", help="folder for the picture")
OUT = parser.parse_args([] if "get_ipython" in globals() else None).out

# %% [markdown]
# ## Settings

# %%
W, B, X = 2.0, 0.7, [1.0, 0.6, -1.8]
CPUS = [tf.config.LogicalDeviceConfiguration()] * 2  # one processor, taken for two devices
with contextlib.suppress(RuntimeError):  # it stays one where TensorFlow has begun to compute
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], CPUS)

# %% [markdown]
# ## The two listings, as printed after `import tensorflow as tf`

# %%
TF1 = """
x = tf.placeholder(dtype=tf.float32,
                  shape=(None), name='x')
w = tf.Variable(2.0, name='weight')
b = tf.Variable(0.7, name='bias')
z = w * x + b
init = tf.global_variables_initializer()

with tf.Session() as sess:
    # w와 b 초기화
    sess.run(init)
    # z 평가
    for t in [1.0, 0.6, -1.8]:
        print('x=%4.1f --> z=%4.1f'%(
            t, sess.run(z, feed_dict={x:t})))
"""
TF2 = """
w = tf.Variable(2.0, name='weight')
b = tf.Variable(0.7, name='bias')

# z 평가
for t in [1.0, 0.6, -1.8]:
    z = w * x + b
    print('x=%4.1f --> z=%4.1f'%(x, z))
"""


def run(listing: str, tf) -> str:
    """What a listing prints, or the error that it raises."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            exec(listing, {"tf": tf})
        except (AttributeError, NameError) as error:
            return f"{type(error).__name__}: {error}"
    return printed.getvalue()


# %% [markdown]
# `tf` is version 2 today and no longer has the functions of the first listing; `tf.compat.v1` does.
# The second listing fails as printed: the loop variable is t, but the two lines in the loop use x,
# which is not defined. (In a notebook where x exists, they print one answer three times.)

# %%
print(f"TF1 listing: {run(TF1, tf)}\nTF2 listing: {run(TF2, tf)}")
assert run(TF2, tf) == "NameError: name 'x' is not defined"
with tf.Graph().as_default():
    print(f"TF1 listing with tf.compat.v1:\n{(as_printed := run(TF1, tf.compat.v1))}")
assert as_printed == "x= 1.0 --> z= 2.7\nx= 0.6 --> z= 1.9\nx=-1.8 --> z=-2.9\n"

print("TF2 listing with t in the place of x:")
w, b = tf.Variable(tf.constant(W), name="weight"), tf.Variable(tf.constant(B), name="bias")
for t in X:
    z = w * t + b
    print(f"x={t:4.1f} --> z={z:4.1f}")
    np.testing.assert_allclose(z, W * t + B, rtol=1e-6)
if (W, B, X) == (2.0, 0.7, [1.0, 0.6, -1.8]):  # the deck's
    np.testing.assert_allclose([w * t + b for t in X], [2.7, 1.9, -2.9], rtol=1e-6)

# %% [markdown]
# ## On another device, 코드 수정 없이 (without a change of the code)

# %%
for device in tf.config.list_logical_devices():  # with the GPU, if there is one
    with tf.device(device.name):
        v, c = tf.Variable(tf.constant(W)), tf.Variable(tf.constant(B))
        z = [v * t + c for t in X]
    print(f"{device.name}: z = {np.round(z, 4)}")
    assert all(value.device.endswith(device.name) for value in z)
    np.testing.assert_allclose(z, [w * t + b for t in X], rtol=1e-6)

# %% [markdown]
# ## The graph
#
# `tf.function` runs Python once, with a placeholder for x, and records the operations: the nodes.
# The edges are the tensors between them. Change the formula and see its graph.

# %%
graph = tf.function(lambda x: w * x + b)
print("z from the graph:", np.round([graph(tf.constant(t)) for t in X], 4))
traced = graph.get_concrete_function(tf.TensorSpec([], name="x"))
nodes = [op for op in traced.graph.get_operations() if op.type != "NoOp"]  # those move no data
edges = [(tensor.op, op, tensor.dtype.name) for op in nodes for tensor in op.inputs]
print("\n".join(f"{before.name} --{dtype}--> {after.name}" for before, after, dtype in edges))

# %%
figure, ax = plt.subplots(figsize=(11, 4), layout="constrained")
kinds = {"Placeholder": "input, output", "Identity": "input, output", "ReadVariableOp": "read"}
colors = {"input, output": "white", "read": "#56B4E9", "calculate": "#F0E442"}
captured = zip(traced.inputs[1:], traced.captured_inputs, strict=True)
names = {i.op: v.name[:-2] for i, handle in captured for v in (w, b) if handle is v.handle}
column, boxes = {}, {}
for op in reversed(nodes):  # the end of the graph is column 0, on the right
    column[op] = max((column[after] + 1 for before, after, _ in edges if before is op), default=0)
for op in nodes:
    level = [other for other in nodes if column[other] == column[op]]
    color = colors[kinds.get(op.type, "calculate")]
    box = {"boxstyle": "round,pad=0.6", "facecolor": color, "edgecolor": "0.2"}
    text = op.type if op.inputs else f"{op.type}\n{names.get(op, op.name)}"
    y = len(level) / 2 - level.index(op)
    boxes[op] = ax.text(-column[op], y, text, ha="center", va="center", bbox=box)
for before, after, dtype in edges:
    (x0, y0), (x1, y1) = boxes[before].get_position(), boxes[after].get_position()
    patches = {"patchA": boxes[before].get_bbox_patch(), "patchB": boxes[after].get_bbox_patch()}
    ax.annotate("", (x1, y1), (x0, y0), arrowprops={"arrowstyle": "-|>", "lw": 1.3, **patches})
    ax.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.1, dtype, ha="center", fontsize=8)
for kind, color in colors.items():
    ax.scatter([], [], marker="s", s=90, color=color, edgecolor="0.2", label=kind)
heights = [box.get_position()[1] for box in boxes.values()]
ax.set(xlim=(-max(column.values()) - 0.5, 0.5), ylim=(min(heights) - 0.6, max(heights) + 0.4))
ax.legend(loc="lower right", title="what a node does")
ax.axis("off")
OUT.mkdir(parents=True, exist_ok=True)
figure.savefig(OUT / "01_dataflow_and_eager.png", dpi=120)
