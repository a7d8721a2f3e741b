"""Where a `GradientMonitor` writes its record during training."""

from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use
from keras_course_ext.monitoring.sinks.csv_sink import CSVSink
from keras_course_ext.monitoring.sinks.jsonl_sink import JSONLinesSink
from keras_course_ext.monitoring.sinks.mlflow_sink import MLflowSink
from keras_course_ext.monitoring.sinks.sink import Sink
from keras_course_ext.monitoring.sinks.wandb_sink import WandbSink

if TENSORFLOW_INSTALLED:
    from keras_course_ext.monitoring.sinks.tensorboard_sink import TensorBoardSink
else:
    raise_on_use(__name__)

__all__ = ["CSVSink", "JSONLinesSink", "MLflowSink", "Sink", "TensorBoardSink", "WandbSink"]
