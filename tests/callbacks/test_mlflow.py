"""MLflow's own Keras callback writes what a monitor puts into the logs; its files are read back."""

import numpy as np
import pytest
from monitored_models import compiled, fit

from keras_course_ext.callbacks import GradientMonitor


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of MLflow and of what it imports
def test_the_epochs_are_in_the_file_store(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    import mlflow
    from mlflow.tensorflow import MlflowCallback

    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    model, data = compiled("sixteen_sigmoids", "graph")
    monitor = GradientMonitor(1)
    with mlflow.start_run() as run:
        history = fit(model, data, epochs=3, callbacks=[monitor, MlflowCallback(run)])
    finding = f"vanishing_layers_worst_{monitor.findings[0].layer}"
    client = mlflow.MlflowClient()
    for name in ("loss", "grad_norm", finding):
        stored = client.get_metric_history(run.info.run_id, name)
        assert [m.step for m in stored] == [0, 1, 2]
        np.testing.assert_array_equal([m.value for m in stored], history[name])
    (file,) = (tmp_path / "runs").glob("*/*/metrics/grad_norm")
    assert [float(line.split()[1]) for line in file.read_text().splitlines()] == pytest.approx(
        history["grad_norm"]
    )
