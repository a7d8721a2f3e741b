"""The sinks of Weights & Biases and MLflow: what the real packages stored is what was recorded."""

import importlib.util
import json
import sys
import types

import numpy as np
import pytest
from monitored_models import compiled, fit

from keras_course_ext.callbacks import GradientMonitor
from keras_course_ext.monitoring import Finding, GradientHistory, Histogram, Key
from keras_course_ext.monitoring.sinks import MLflowSink, WandbSink
from keras_course_ext.monitoring.sinks.scalar_layout import tag_of
from keras_course_ext.monitoring.sinks.wandb_sink import metric_of

KEYS = [Key("dense", "kernel", "grad_norm"), Key("", "model", "grad_norm")]
_BLOCK = 32768


def needs(name):
    missing = importlib.util.find_spec(name) is None
    return pytest.mark.skipif(missing, reason=f"needs the extra `{name}`")


def wandb_records(path):
    """The records in a file of W&B: the log format of LevelDB, blocks of pieces of a record."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, parts = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if _BLOCK - at % _BLOCK < 7:
            at += _BLOCK - at % _BLOCK
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # a whole record, or the last piece of one
            yield Record.FromString(parts)
            parts = b""


def logged(records):
    """Every logged row as a dictionary."""
    for record in records:
        if record.HasField("history"):
            row = {}
            for item in record.history.item:
                name, *inside = item.nested_key
                value = json.loads(item.value_json)
                if inside:
                    row.setdefault(name, {})[inside[0]] = value
                else:
                    row[name] = value
            yield row


@pytest.mark.slow
@needs("wandb")
@needs("mlflow")
@pytest.mark.filterwarnings("ignore")  # those of the two packages and of what they import
def test_a_fit_is_in_both(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("WANDB_SILENT", "true")
    import mlflow
    import wandb

    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    model, data = compiled("sixteen_sigmoids", "graph")
    monitor = GradientMonitor(1, statistics=["grad_norm"], histograms=4, sinks=["wandb", "mlflow"])
    with mlflow.start_run() as run, wandb.init(mode="offline", dir=tmp_path) as other:
        fit(model, data, epochs=2, callbacks=[monitor])
        assert other.summary["gradients_findings"] == [str(monitor.findings[0])]
    history = monitor.history
    client = mlflow.MlflowClient()
    (path,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    rows = list(logged(wandb_records(path)))
    # A nested dictionary would be what W&B made of an axis that it did not find.
    assert not [name for row in rows for name, value in row.items() if value == {"step": 0}]
    for key in history.keys:
        steps, _, values = history.series(*key)
        tag = tag_of(key)
        stored = sorted(client.get_metric_history(run.info.run_id, tag), key=lambda m: m.step)
        assert [m.step for m in stored] == steps.tolist()
        np.testing.assert_array_equal(np.float32([m.value for m in stored]), values)
        name = metric_of(key)
        points = [(row["gradients_all/step"], row[name]) for row in rows if name in row]
        assert [step for step, _ in points] == steps.tolist()
        np.testing.assert_array_equal(np.float32([value for _, value in points]), values)
    h = next(h for h in history.histograms if h.kind == "activation" and h.step == 4)
    name = f"activations_histogram/{h.layer}/output"
    (bins,) = [row[name] for row in rows if name in row and row["gradients_all/step"] == 4]
    assert sum(bins["values"]) == h.counts.sum()
    assert set(bins["bins"]) <= set(h.edges.tolist())
    (file,) = (tmp_path / "runs").glob("*/*/artifacts/gradients/histograms/step_00000004.json")
    (found,) = [
        entry
        for entry in json.loads(file.read_text())["histograms"]
        if (entry["layer"], entry["kind"]) == (h.layer, "activation")
    ]
    assert (found["edges"], found["counts"]) == (h.edges.tolist(), h.counts.tolist())
    tags = client.get_run(run.info.run_id).data.tags
    assert tags["gradients.findings"] == str(monitor.findings[0])


class Run:
    """What a run of W&B is asked for."""

    def __init__(self):
        self.rows, self.summary, self.metrics = [], {}, []

    def define_metric(self, name, **options):
        self.metrics.append((name, options))

    def log(self, row):
        self.rows.append(row)


def test_wandb_gets_rows_with_the_step_as_their_axis(monkeypatch):
    run = Run()
    package = types.SimpleNamespace(run=run, Histogram=lambda np_histogram: np_histogram)
    monkeypatch.setitem(sys.modules, "wandb", package)
    sink = WandbSink()
    sink.open(0, GradientHistory())
    assert ("gradients_*", {"step_metric": "gradients_all/step"}) in run.metrics
    sink.write(np.array([3, 5]), [0, 0], KEYS, np.float32([[0.5, 1], [0.25, 2]]))
    assert run.rows[1] == {
        "gradients_grad_norm/dense/kernel": 0.25,
        "gradients_all/grad_norm": 2.0,
        "gradients_all/step": 5,
    }
    edges, counts = np.array([-2.0, -1, 1, 2, 4]), np.array([0, 3, 1, 0])
    sink.write_histograms([Histogram(5, 0, "a", "kernel", "weight", edges, counts)])
    row = run.rows[2]
    assert [part.tolist() for part in row["weights_histogram/a/kernel"]] == [[3, 1], [-1, 1, 2]]
    sink.write_findings([Finding("dead_units", "a", 0, 0, "All are 0.", "Stop.")])
    assert run.summary["gradients_findings"] == ["dead units in 'a' (epoch 0): All are 0. Stop."]
    sink.close()
    package.run = None
    with pytest.raises(ValueError, match=r"Call `wandb\.init\(project"):
        WandbSink().open(0, GradientHistory())


@pytest.mark.parametrize(("sink", "name"), [(WandbSink(), "wandb"), (MLflowSink(), "mlflow")])
def test_a_missing_package_is_named(monkeypatch, sink, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf'pip install "keras-course-ext\[{name}\]"'):
        sink.open(0, GradientHistory())
    config = GradientMonitor(sinks=[name]).get_config()
    assert GradientMonitor.from_config(config).sinks == [name]


class Client:
    def __init__(self):
        self.batches, self.texts = [], {}

    def log_batch(self, run_id, metrics):
        self.batches.append((run_id, metrics))

    def set_tag(self, run_id, name, text):
        self.texts[name] = text

    def log_text(self, run_id, text, path):
        self.texts[path] = text


def test_mlflow_gets_names_that_it_allows_and_a_thousand_at_once(monkeypatch):
    client = Client()
    package = types.ModuleType("mlflow")
    package.active_run = lambda: None
    package.MlflowClient = lambda: client
    entities = types.ModuleType("mlflow.entities")
    entities.Metric = lambda *values: values
    monkeypatch.setitem(sys.modules, "mlflow", package)
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    sink = MLflowSink("r1")
    sink.open(0, GradientHistory())
    keys = [Key(f"a'{i}", "kernel", "grad_norm") for i in range(700)]
    sink.write([0, 1], [0, 0], keys, np.arange(1400.0).reshape(2, 700))
    assert [(run, len(metrics)) for run, metrics in client.batches] == [("r1", 1000), ("r1", 400)]
    name, value, _, step = client.batches[0][1][701]
    assert (name, value, step) == ("gradients.grad_norm/a_1/kernel", 701.0, 1)
    sink.write_findings([])
    assert client.texts == {"gradients.findings": "", "gradients/findings.txt": ""}
    with pytest.raises(ValueError, match=r"Call `mlflow\.start_run\(\)`"):
        MLflowSink().open(0, GradientHistory())
