"""Where a record goes as it is made, beside the memory."""

from keras_course_ext.monitoring.sinks.tensorboard_sink import TensorBoardSink

__all__ = ["TensorBoardSink"]
