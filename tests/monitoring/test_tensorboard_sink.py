"""TensorBoard's files hold what was recorded, no more, and a resumed run goes on in them."""

import json
import re
import resource
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.callbacks.same_fit import callbacks_in_same_fit
from keras_course_ext.callbacks.tensorboard_log_dir import tensorboard_log_dir
from keras_course_ext.monitoring import Finding, GradientHistory, Key
from keras_course_ext.monitoring.record.schema import Histogram
from keras_course_ext.monitoring.sinks import TensorBoardSink
from keras_course_ext.monitoring.sinks.scalar_layout import tag_of

KEYS = [
    Key("dense", "kernel", "grad_norm"),
    Key("encoder/dense", "output", "zero_share"),
    Key("", "model", "grad_norm"),
]
LAYOUT = "custom_scalars__config__"
TAGS = [
    "gradients.grad_norm/dense/kernel",
    "gradients.zero_share/encoder/dense/output",
    "gradients.all/grad_norm",
]


def opened(path, first_step=0):
    sink = TensorBoardSink(path)
    sink.open(first_step, GradientHistory())
    return sink


def files(path):
    return sorted(path.glob("train/*tfevents*"))


def events(path):
    """`(tag, step, value)` of everything in the event files, in the order of writing."""
    found = []
    for file in files(path):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            found += [(v.tag, event.step, v) for v in event.summary.value if v.tag != LAYOUT]
    return found


def scalars(path):
    return [(tag, step, float(tf.make_ndarray(v.tensor))) for tag, step, v in events(path)]


def points(path, tag=TAGS[0]):
    return [(step, value) for t, step, value in scalars(path) if t == tag]


def write(sink, steps, value=1.0):
    sink.write(steps, [0] * len(steps), KEYS[:1], [[value]] * len(steps))


def test_every_recorded_step_is_a_point_at_once(tmp_path):
    values = np.array([[0.1, 0.5, 3.0], [np.nan, 1e-42, np.inf]], np.float32)
    sink = opened(tmp_path)
    sink.write(np.array([4, 7]), [1, 1], KEYS, values)
    # Before `close`: whoever looks on while it trains has to see it.
    assert [tag for tag, _, _ in scalars(tmp_path)] == TAGS * 2
    assert [step for _, step, _ in scalars(tmp_path)] == [4] * 3 + [7] * 3
    np.testing.assert_array_equal([value for _, _, value in scalars(tmp_path)], values.ravel())
    sink.write([9], [1], KEYS[1:], [[0.25, 2.0]])
    sink.close()
    assert scalars(tmp_path)[6:] == [(TAGS[1], 9, 0.25), (TAGS[2], 9, 2.0)]
    for _, _, value in events(tmp_path):
        assert value.metadata.plugin_data.plugin_name == "scalars"
        assert value.metadata.data_class == 1


def test_histograms_are_the_bins_that_were_counted(tmp_path):
    edges = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
    rows = {"gradient": [1, 0, 2, 0, 4], "weight": [0, 0, 3, 5, 0], "activation": [0] * 5}
    sink = opened(tmp_path)
    sink.write_histograms(
        [
            Histogram(50, 2, "a/b", "output" if kind == "activation" else "kernel", kind, edges, n)
            for kind, n in ((kind, np.array(row)) for kind, row in rows.items())
        ]
    )
    sink.close()
    found = {tag: tf.make_ndarray(value.tensor) for tag, _, value in events(tmp_path)}
    assert list(found) == ["gradients/a/b/kernel", "weights/a/b/kernel", "activations/a/b/output"]
    gradient, weight, activation = found.values()
    np.testing.assert_array_equal(
        gradient, [[-2, -1, 1], [-1, -0.5, 0], [-0.5, 0.5, 2], [0.5, 1, 0], [1, 2, 4]]
    )
    # Empty bins at the ends are left out.
    np.testing.assert_array_equal(weight, [[-0.5, 0.5, 3], [0.5, 1, 5]])
    assert activation.shape == (0, 3)
    assert {(step, v.metadata.plugin_data.plugin_name) for _, step, v in events(tmp_path)} == {
        (50, "histograms")
    }


def test_one_chart_has_all_layers(tmp_path):
    layout_pb2 = pytest.importorskip("tensorboard.plugins.custom_scalar.layout_pb2")
    sink = opened(tmp_path)
    long = Key("x" * 200, "a.b", "grad_norm")
    sink.write([3], [0], [*KEYS, long], [[1.0] * 4])
    sink.write([4], [0], KEYS, [[1.0] * 3])
    sink.close()
    (layout,) = [
        layout_pb2.Layout.FromString(tf.make_ndarray(v.tensor).item())
        for record in tf.data.TFRecordDataset(str(files(tmp_path)[0]))
        for v in tf.compat.v1.Event.FromString(record.numpy()).summary.value
        if v.tag == LAYOUT
    ]
    assert layout.version == 1
    assert [c.title for c in layout.category] == [
        *("whole model", "grad_norm", "zero_share", "dead_units")
    ]
    assert [c.closed for c in layout.category] == [False, False, True, True]
    charts = {chart.title: chart.multiline.tag for c in layout.category for chart in c.chart}
    tags = [*TAGS, "gradients.grad_norm/other/kernel", "gradients.grad_norm/other/my kernel"]
    shown = {title: [t for t in tags if re.search(x, t)] for title, (x,) in charts.items()}
    assert shown["grad_norm of kernel"] == [TAGS[0], tags[3]]
    assert shown["zero_share of output"] == [TAGS[1]]
    assert shown["grad_norm"] == [TAGS[2]]
    assert tag_of(long) == f"gradients.grad_norm/{'x' * 200}/a.b"
    assert re.search(charts["grad_norm of a.b"][0], tag_of(long))
    assert tag_of(Key("", "g_adam", "grad_norm")) == "gradients.all/grad_norm/g_adam"


def test_findings_are_a_text(tmp_path):
    sink = opened(tmp_path)
    write(sink, [5])
    sink.write_findings([Finding("dead_units", "a", 0, 5, "All are 0.", "Stop.")] * 2)
    sink.close()
    (tag, step, value) = events(tmp_path)[-1]
    assert (tag, step, value.metadata.plugin_data.plugin_name) == ("gradients/findings", 5, "text")
    text = "dead units in 'a' (epoch 0): All are 0. Stop."
    assert tf.make_ndarray(value.tensor).item().decode() == f"{text}\n\n{text}"


def test_the_surroundings_neither_stop_it_nor_get_anything(tmp_path):
    other = tf.summary.create_file_writer(str(tmp_path / "other" / "train"))
    sink = opened(tmp_path)
    # As the TensorBoard callback has it between the steps of its own.
    with other.as_default(), tf.summary.record_if(False):
        write(sink, [0])
    other.close()
    assert points(tmp_path) == [(0, 1.0)]
    assert not events(tmp_path / "other")


@pytest.mark.parametrize("torn", [0, 5])
def test_a_resumed_run_goes_on_without_a_gap_or_a_doubled_step(tmp_path, torn):
    for first, value in [(0, 1.0), (4, 2.0)]:
        sink = opened(tmp_path, first)
        write(sink, range(first, first + 6), value)
        sink.close()
    last = files(tmp_path)[-1]
    last.write_bytes(last.read_bytes()[: -torn or None])
    sink = opened(tmp_path, 7)
    write(sink, [7, 8], 3.0)
    sink.close()
    expected = [(s, 1.0) for s in range(4)] + [(s, 2.0) for s in range(4, 7)]
    assert points(tmp_path) == [*expected, (7, 3.0), (8, 3.0)]
    assert {file.name[:20] for file in (tmp_path / "train").iterdir()} == {"events.out.tfevents."}
    # A run from the start begins the curves anew.
    write(opened(tmp_path, 0), [0], 4.0)
    assert points(tmp_path) == [(0, 4.0)]
    assert len(files(tmp_path)) == 1


def test_files_are_named_in_the_order_of_their_making(tmp_path):
    def number():
        directory = tmp_path / "other"
        tf.summary.create_file_writer(str(directory)).close()
        (file,) = directory.iterdir()
        file.unlink()
        return int(file.name.split(".")[-2])

    while set(str(number() + 1)) != {"9"}:
        pass
    time.sleep(1 - time.time() % 1)  # so that all are of one second
    # The first of these is the number 9, 99 or 999 of this process, the next is a digit longer.
    for step in range(4):
        write(opened(tmp_path, step), [step])
    assert points(tmp_path) == [(step, 1.0) for step in range(4)]


def test_what_others_wrote_is_left_alone(tmp_path):
    other = tf.summary.create_file_writer(str(tmp_path / "train"))
    with other.as_default():
        tf.summary.write("loss", 1.0, step=5)
    other.close()
    before = {file: file.read_bytes() for file in files(tmp_path)}
    first = opened(tmp_path)
    # Nor is the file touched that a second monitor in the same fit has just begun.
    write(opened(tmp_path), [0])
    assert {file: file.read_bytes() for file in before} == before
    assert len(files(tmp_path)) == 3
    first.close()


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(ValueError, match="log_dir=''"):
        TensorBoardSink("")
    (tmp_path / "file").write_text("")
    for place in ("file", "file/logs"):
        with pytest.raises(OSError, match=f"cannot be written to '{tmp_path}/file"):
            opened(tmp_path / place)
    sink = TensorBoardSink(tmp_path / "logs")
    with pytest.raises(RuntimeError, match="not open"):
        write(sink, [0])
    sink.close()
    assert not (tmp_path / "logs").exists()


def test_a_full_disk_is_an_error_and_not_silence(tmp_path):
    sink = opened(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match="cannot be written"):
            write(sink, range(1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    sink.close()


class MyTensorBoard(keras.callbacks.TensorBoard):
    pass


class Asking(keras.callbacks.Callback):
    """Asks for the directory of the TensorBoard callbacks beside it."""

    def on_train_begin(self, logs=None):
        self.found = tensorboard_log_dir(callbacks_in_same_fit(keras.callbacks.TensorBoard, self))


def asked(*log_dirs, make=keras.callbacks.TensorBoard):
    """Start a fit of a callback that asks and of TensorBoard callbacks; return what it found."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    boards = [make(log_dir, write_graph=False) for log_dir in log_dirs]
    asking = Asking()
    keras.callbacks.CallbackList([asking, *boards], model=model).on_train_begin()
    return asking.found


def test_the_tensorboard_callback_of_the_same_fit_is_found(tmp_path):
    a, b = (str(tmp_path / name) for name in "ab")
    assert asked(a) == a
    assert asked(b, make=MyTensorBoard) == b
    assert asked(a, a) == a
    for log_dirs, message in [((), "no TensorBoard callback"), ((a, b), f"{a}.*{b}")]:
        with pytest.raises(ValueError, match=message + r".*TensorBoardSink\('logs'\)"):
            asked(*log_dirs)
    # Called from no list, a callback has none beside it.
    assert callbacks_in_same_fit(keras.callbacks.TensorBoard, Asking()) == []


def test_a_monitor_alone_says_before_training_that_it_knows_no_directory():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    monitor = GradientMonitor(sinks=["tensorboard"])
    x = np.ones((4, 1), "float32")
    with pytest.raises(ValueError, match="no TensorBoard callback"):
        model.fit(x, x, verbose=0, callbacks=[monitor])
    with pytest.raises(ValueError, match="no TensorBoard callback"), monitor.watch(model):
        pass
    assert int(model.optimizer.iterations.numpy()) == 0
    with pytest.raises(
        ValueError, match=r"must end in \.csv or \.jsonl, or be 'tensorboard', 'wandb' or 'mlflow'"
    ):
        GradientMonitor(sinks=["tensorbord"])


def test_a_monitor_keeps_its_tensorboard_sinks_when_it_is_serialized(tmp_path):
    monitor = GradientMonitor(sinks=["tensorboard", TensorBoardSink(tmp_path)])
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(monitor)))
    first, second = keras.saving.deserialize_keras_object(config).sinks
    assert first == "tensorboard"
    assert isinstance(second, TensorBoardSink)
    assert second.log_dir == str(tmp_path)
