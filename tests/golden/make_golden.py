"""Writes torch.json and optax.json: what torch.optim and optax make of one sequence of gradients.

In an environment of its own, because neither is needed by the package or its tests:

    python -m venv golden && golden/bin/pip install torch==2.13.0 optax==0.2.8 jax numpy
    golden/bin/python tests/golden/make_golden.py

Every optimizer runs `STEPS` steps in float64 on the gradients of `sequence.py`, at a learning rate
that changes from step to step. A file has the `versions` it was made with, the `formulas` of the
sequence, a `sample` of its values, and the `runs`: for each the constructor that was called, its
`arguments` without the learning rate, the name of the `rates`, and the weights after the steps of
`STORED`, to 12 significant digits.
"""

import json
import pathlib
import platform
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sequence import FORMULAS, STEPS, STORED, gradients, rates, start

HERE = pathlib.Path(__file__).parent
MATRIX = (4, 3)

BETAS = [0.9, 0.95]
"""For AMSGrad and RAdam: a memory short enough that v falls, and the rectification grows, within
50 steps."""

TORCH: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {}),
    "sgd_momentum": ("SGD", {"momentum": 0.9}),
    "sgd_nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop_momentum": ("RMSprop", {"alpha": 0.95, "momentum": 0.8}),
    "rmsprop_centered": ("RMSprop", {"centered": True}),
    "rmsprop_centered_momentum": ("RMSprop", {"centered": True, "momentum": 0.9}),
    "adam": ("Adam", {}),
    "adam_amsgrad": ("Adam", {"betas": BETAS, "amsgrad": True}),
    "adamw": ("AdamW", {"weight_decay": 0.01}),
    "nadam": ("NAdam", {}),
    "adamax": ("Adamax", {}),
    "adadelta": ("Adadelta", {}),
    "radam": ("RAdam", {}),
    "radam_betas": ("RAdam", {"betas": BETAS}),
    "muon": ("Muon", {"weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw"}),
    "adafactor": ("Adafactor", {}),
    "adafactor_matrix": ("Adafactor", {}),
}

OPTAX: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("sgd", {}),
    "momentum": ("sgd", {"momentum": 0.9}),
    "nesterov": ("sgd", {"momentum": 0.9, "nesterov": True}),
    "adam": ("adam", {}),
    "adamw": ("adamw", {"weight_decay": 0.01}),
    "amsgrad": ("amsgrad", {"b2": 0.95}),
    "amsgrad_uncorrected": (
        "amsgrad",
        {"b2": 0.95, "bias_correction_mu": False, "bias_correction_nu": False},
    ),
    "adabelief": ("adabelief", {"eps": 1e-8, "eps_root": 1e-8}),
    "lion": ("lion", {"weight_decay": 0.0}),
    "lion_decay": ("lion", {"weight_decay": 0.1}),
    "lamb": ("lamb", {"weight_decay": 0.0}),
    "lamb_decay": ("lamb", {"weight_decay": 0.1}),
    "lars": ("lars", {"trust_coefficient": 0.1}),
    "lars_decay": ("lars", {"trust_coefficient": 0.1, "weight_decay": 0.1}),
    "nadam": ("nadam", {}),
    "radam": ("radam", {"eps": 0.0}),
    "radam_betas": ("radam", {"b2": 0.95, "eps": 0.0}),
    "adamax": ("adamax", {}),
    "rmsprop": ("rmsprop", {}),
    "rmsprop_momentum": ("rmsprop", {"decay": 0.95, "momentum": 0.8}),
    "rmsprop_centered": ("rmsprop", {"centered": True}),
    "rmsprop_eps_outside": ("rmsprop", {"eps_in_sqrt": False}),
    "adagrad": ("adagrad", {}),
    "adadelta": ("adadelta", {}),
    "lookahead": ("lookahead", {"inner": "adam", "sync_period": 5, "slow_step_size": 0.5}),
    "schedule_free_adamw": ("contrib.schedule_free_adamw", {}),
    "schedule_free_adamw_decay": ("contrib.schedule_free_adamw", {"weight_decay": 0.1}),
    "schedule_free_rising": ("contrib.schedule_free", {"b2": 0.999, "eps": 1e-8, "b1": 0.9}),
    "muon": ("contrib.muon", {"nesterov": False, "consistent_rms": 0.2}),
    "yogi": ("scale_by_yogi", {"initial_accumulator_value": 0.0, "eps": 0.0}),
    "novograd": ("novograd", {"b1": 0.95, "b2": 0.98, "eps": 1e-8}),
    "novograd_decay": ("novograd", {"b1": 0.9, "b2": 0.25, "eps": 1e-6, "weight_decay": 0.1}),
    # optax multiplies the differences by 1 − b2 where the authors' code multiplies them by b2.
    "adan": ("adan", {"b2": 0.5, "eps_root": 0.0}),
    "adan_defaults": ("adan", {"eps_root": 0.0}),
    "ademamix": ("contrib.ademamix", {}),
    "ademamix_decay": ("contrib.ademamix", {"b3": 0.99, "alpha": 2.0, "weight_decay": 0.1}),
    "prodigy": ("contrib.prodigy", {"eps": 0.0}),
    "prodigy_decay": ("contrib.prodigy", {"eps": 0.0, "estim_lr0": 0.1, "weight_decay": 0.1}),
}

RATES = {
    # optax weighs the average by the largest rate so far, and looks one step further along a
    # schedule than the step itself does. At these rates neither makes a difference.
    "schedule_free_adamw": "constant",
    "schedule_free_adamw_decay": "constant",
    "schedule_free_rising": "rising",
}
RATES |= {name: "constant" for name in OPTAX if name.startswith("prodigy")}

Run = dict[str, np.ndarray]
"""For "weights", and "averages" where an optimizer has them: the values after every step."""


def run_torch(cls: str, arguments: Mapping[str, Any], g: np.ndarray, w: Any, lr: Any) -> Run:
    """Runs one optimizer of torch.optim."""
    import torch

    # The running product of NAdam is kept in the default dtype.
    torch.set_default_dtype(torch.float64)
    parameter = torch.nn.Parameter(torch.tensor(w))
    optimizer = getattr(torch.optim, cls)([parameter], lr=1.0, **arguments)
    path = []
    for gradient, rate in zip(g, lr, strict=True):
        optimizer.param_groups[0]["lr"] = float(rate)
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        path.append(parameter.detach().numpy().copy())
    return {"weights": np.array(path)}


def make_optax(function: str, arguments: Mapping[str, Any], schedule: Callable) -> Any:
    """Makes one transformation of optax."""
    import optax

    if function == "lookahead":
        rest = {k: v for k, v in arguments.items() if k != "inner"}
        return optax.lookahead(getattr(optax, arguments["inner"])(schedule), **rest)
    if function == "contrib.schedule_free":
        inner = optax.chain(
            optax.scale_by_rms(
                arguments["b2"], arguments["eps"], eps_in_sqrt=False, bias_correction=True
            ),
            optax.scale_by_learning_rate(schedule),
        )
        # Its count starts at 1, that of the inner optimizer at 0.
        earlier = lambda count: schedule(count - 1)  # noqa: E731
        return optax.contrib.schedule_free(inner, earlier, b1=arguments["b1"])
    if function == "scale_by_yogi":
        # `optax.yogi` does not hand the first value on.
        return optax.chain(optax.scale_by_yogi(**arguments), optax.scale_by_learning_rate(schedule))
    for name in function.split("."):
        optax = getattr(optax, name)
    return optax(schedule, **arguments)  # pyright: ignore[reportCallIssue]


def run_optax(function: str, arguments: Mapping[str, Any], g: np.ndarray, w: Any, lr: Any) -> Run:
    """Runs one transformation of optax."""
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    constant = np.ptp(lr) == 0
    rate = float(lr[0]) if constant else lambda count: jax.numpy.asarray(lr)[count]
    optimizer = make_optax(function, arguments, rate)
    ahead = function == "lookahead"
    params: Any = jax.numpy.asarray(w)
    params = optax.LookaheadParams.init_synced(params) if ahead else params
    state = optimizer.init(params)
    path, averages = [], []
    for gradient in g:
        updates, state = optimizer.update(jax.numpy.asarray(gradient), state, params)
        params = optax.apply_updates(params, updates)
        path.append(np.asarray(params.fast if ahead else params))
        if "schedule_free" in function:
            averages.append(np.asarray(optax.contrib.schedule_free_eval_params(state, params)))
    run = {"weights": np.array(path)}
    return run | {"averages": np.array(averages)} if averages else run


def rounded(values: np.ndarray) -> list:
    """Nested lists of `values`, to 12 significant digits."""
    if values.ndim:
        return [rounded(np.asarray(v)) for v in values]
    return float(f"{float(values):.12g}")  # pyright: ignore[reportReturnType]


def at_stored(values: np.ndarray) -> list:
    return rounded(values[np.array(STORED) - 1])


def golden(runs: Mapping[str, Any], run: Callable[..., Run], versions: dict) -> dict[str, Any]:
    """Runs all of `runs` and returns what the JSON file holds."""
    made = {}
    for name, (constructor, arguments) in runs.items():
        shape = MATRIX if name in ("muon", "adafactor_matrix") else (4,)
        n = int(np.prod(shape))
        kind = RATES.get(name, "varying")
        g, w = gradients(n).reshape(STEPS, *shape), start(n).reshape(shape)
        values = run(constructor, arguments, g, w, rates(kind))
        assert all(v.dtype == np.float64 and np.all(np.isfinite(v)) for v in values.values())
        made[name] = {"constructor": constructor, "arguments": arguments, "rates": kind}
        made[name] |= {key: at_stored(value) for key, value in values.items()}
    sample = {"start": rounded(start()), "gradients": at_stored(gradients())}
    sample |= {kind: at_stored(rates(kind)) for kind in ("varying", "rising", "constant")}
    versions = {"python": platform.python_version(), "numpy": np.__version__, **versions}
    return {
        "versions": versions,
        "formulas": FORMULAS,
        "steps": STORED,
        "sample": sample,
        "runs": made,
    }


def write(file: str, content: dict[str, Any]) -> None:
    """Writes a file with one line for every run."""
    head = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in content.items() if k != "runs"]
    runs = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in content["runs"].items()]
    text = "{\n" + ",\n".join(head) + ',\n "runs": {\n' + ",\n".join(runs) + "\n }\n}\n"
    assert json.loads(text) == content
    (HERE / file).write_text(text)


def main() -> None:
    import jax
    import jaxlib
    import optax
    import torch

    write("torch.json", golden(TORCH, run_torch, {"torch": torch.__version__}))
    versions = {"optax": optax.__version__, "jax": jax.__version__, "jaxlib": jaxlib.__version__}
    write("optax.json", golden(OPTAX, run_optax, versions))


if __name__ == "__main__":
    main()
