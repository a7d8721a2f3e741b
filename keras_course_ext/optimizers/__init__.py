"""Optimizers whose rules are pure functions, written as the papers write them."""

from keras_course_ext._lazy import TENSORFLOW_INSTALLED, raise_on_use
from keras_course_ext.optimizers import legacy as legacy
from keras_course_ext.optimizers.trajectory import trajectory

if TENSORFLOW_INSTALLED:
    from keras_course_ext.optimizers.adabelief import AdaBelief
    from keras_course_ext.optimizers.adadelta import Adadelta
    from keras_course_ext.optimizers.adafactor import Adafactor
    from keras_course_ext.optimizers.adagrad import Adagrad
    from keras_course_ext.optimizers.adam import Adam
    from keras_course_ext.optimizers.adamax import Adamax
    from keras_course_ext.optimizers.adamw import AdamW
    from keras_course_ext.optimizers.adan import Adan
    from keras_course_ext.optimizers.ademamix import AdEMAMix
    from keras_course_ext.optimizers.engine.base import RuleOptimizer
    from keras_course_ext.optimizers.ftrl import Ftrl
    from keras_course_ext.optimizers.gradient_descent import GradientDescent
    from keras_course_ext.optimizers.lamb import Lamb
    from keras_course_ext.optimizers.lars import LARS
    from keras_course_ext.optimizers.lion import Lion
    from keras_course_ext.optimizers.lookup import get
    from keras_course_ext.optimizers.momentum import Momentum
    from keras_course_ext.optimizers.muon import Muon
    from keras_course_ext.optimizers.nadam import Nadam
    from keras_course_ext.optimizers.nesterov import NesterovMomentum
    from keras_course_ext.optimizers.novograd import NovoGrad
    from keras_course_ext.optimizers.prodigy import Prodigy
    from keras_course_ext.optimizers.radam import RAdam
    from keras_course_ext.optimizers.rmsprop import RMSprop
    from keras_course_ext.optimizers.schedule_free_adamw import ScheduleFreeAdamW
    from keras_course_ext.optimizers.sgd import SGD
    from keras_course_ext.optimizers.soap import SOAP
    from keras_course_ext.optimizers.time_based_decay import TimeBasedDecay
    from keras_course_ext.optimizers.wrappers.layer_wise import LayerWise
    from keras_course_ext.optimizers.wrappers.lookahead import Lookahead
    from keras_course_ext.optimizers.yogi import Yogi
else:
    raise_on_use(__name__)

__all__ = [
    "LARS",
    "SGD",
    "SOAP",
    "AdEMAMix",
    "AdaBelief",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Adan",
    "Ftrl",
    "GradientDescent",
    "Lamb",
    "LayerWise",
    "Lion",
    "Lookahead",
    "Momentum",
    "Muon",
    "Nadam",
    "NesterovMomentum",
    "NovoGrad",
    "Prodigy",
    "RAdam",
    "RMSprop",
    "RuleOptimizer",
    "ScheduleFreeAdamW",
    "TimeBasedDecay",
    "Yogi",
    "get",
    "trajectory",
]
