"""The rules of the optimizers: pure functions in the symbols of the papers.

They take and return NumPy arrays or tensors. Importing them needs neither Keras nor TensorFlow.
"""

from keras_course_ext.optimizers.rules.adabelief import adabelief_rule
from keras_course_ext.optimizers.rules.adadelta import adadelta_rule
from keras_course_ext.optimizers.rules.adafactor import (
    adafactor_keras_rule,
    adafactor_rule,
    adafactor_vector_rule,
)
from keras_course_ext.optimizers.rules.adagrad import adagrad_outside_rule, adagrad_rule
from keras_course_ext.optimizers.rules.adam import (
    adam_algorithm_1_rule,
    adam_rule,
    amsgrad_algorithm_2_rule,
    amsgrad_rule,
    amsgrad_torch_rule,
)
from keras_course_ext.optimizers.rules.adamax import adamax_rule, adamax_torch_rule
from keras_course_ext.optimizers.rules.adan import adan_algorithm_1_rule, adan_rule
from keras_course_ext.optimizers.rules.ademamix import ademamix_rule
from keras_course_ext.optimizers.rules.ftrl import ftrl_algorithm_1_rule, ftrl_rule
from keras_course_ext.optimizers.rules.gradient_descent import gradient_descent_rule
from keras_course_ext.optimizers.rules.lamb import lamb_rule
from keras_course_ext.optimizers.rules.lars import lars_rule
from keras_course_ext.optimizers.rules.lion import lion_rule
from keras_course_ext.optimizers.rules.lookahead import lookahead_rule
from keras_course_ext.optimizers.rules.momentum import momentum_rule, momentum_torch_rule
from keras_course_ext.optimizers.rules.muon import muon_adamw_rule, muon_rule, newton_schulz
from keras_course_ext.optimizers.rules.nadam import nadam_rule
from keras_course_ext.optimizers.rules.nesterov import nesterov_rule, nesterov_torch_rule
from keras_course_ext.optimizers.rules.novograd import novograd_rule
from keras_course_ext.optimizers.rules.prodigy import prodigy_rule
from keras_course_ext.optimizers.rules.radam import radam_rule
from keras_course_ext.optimizers.rules.rmsprop import (
    rmsprop_momentum_rule,
    rmsprop_rule,
    rmsprop_torch_momentum_rule,
)
from keras_course_ext.optimizers.rules.schedule_free_adamw import schedule_free_adamw_rule
from keras_course_ext.optimizers.rules.soap import soap_rule
from keras_course_ext.optimizers.rules.yogi import yogi_algorithm_2_rule, yogi_rule

__all__ = [
    "adabelief_rule",
    "adadelta_rule",
    "adafactor_keras_rule",
    "adafactor_rule",
    "adafactor_vector_rule",
    "adagrad_outside_rule",
    "adagrad_rule",
    "adam_algorithm_1_rule",
    "adam_rule",
    "adamax_rule",
    "adamax_torch_rule",
    "adan_algorithm_1_rule",
    "adan_rule",
    "ademamix_rule",
    "amsgrad_algorithm_2_rule",
    "amsgrad_rule",
    "amsgrad_torch_rule",
    "ftrl_algorithm_1_rule",
    "ftrl_rule",
    "gradient_descent_rule",
    "lamb_rule",
    "lars_rule",
    "lion_rule",
    "lookahead_rule",
    "momentum_rule",
    "momentum_torch_rule",
    "muon_adamw_rule",
    "muon_rule",
    "nadam_rule",
    "nesterov_rule",
    "nesterov_torch_rule",
    "newton_schulz",
    "novograd_rule",
    "prodigy_rule",
    "radam_rule",
    "rmsprop_momentum_rule",
    "rmsprop_rule",
    "rmsprop_torch_momentum_rule",
    "schedule_free_adamw_rule",
    "soap_rule",
    "yogi_algorithm_2_rule",
    "yogi_rule",
]
