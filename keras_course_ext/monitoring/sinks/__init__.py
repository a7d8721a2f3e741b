"""Where a `GradientMonitor` writes its record while training runs."""

from keras_course_ext.monitoring.sinks.csv_sink import CSVSink
from keras_course_ext.monitoring.sinks.jsonl_sink import JSONLinesSink
from keras_course_ext.monitoring.sinks.sink import Sink
from keras_course_ext.monitoring.sinks.tensorboard_sink import TensorBoardSink

__all__ = ["CSVSink", "JSONLinesSink", "Sink", "TensorBoardSink"]
