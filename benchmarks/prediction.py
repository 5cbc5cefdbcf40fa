"""Time of a prediction: one row, and 100,000 rows, of two networks that are trained; Backpass and other libraries.

Every contender gets float32 arrays and gives float32 arrays, in the way its own users would write it for speed; what
reads and scales a table is no part of it. The contenders take turns and the median counts. Prints a table per task,
then one JSON object per line. Run it on a quiet machine:

    python benchmarks/prediction.py
    python benchmarks/prediction.py --rows 1
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from turns import Contender, Turn, calls_timed, conditions, interleaved, print_records, ready, refuse_a_slowed_blas

from backpass.engine import NumpyEngine, default_engine
from backpass.network import dense_network

NETWORKS = ((8, 64, 64, 1), (8, 256, 256, 256, 1))
ROWS = (1, 100_000)
Predict = Callable[[], Any]


@dataclass(frozen=True)
class Task:
    """Rows for a network d - ... - 1 with ReLU."""

    widths: tuple[int, ...]
    rows: int

    @property
    def name(self) -> str:
        return "-".join(map(str, self.widths))

    def x(self) -> Any:
        return np.random.default_rng(0).standard_normal((self.rows, self.widths[0])).astype(np.float32)

    def weights(self) -> list[tuple[Any, Any]]:
        random = np.random.default_rng(1)
        return [
            ((random.standard_normal((a, b)) * np.sqrt(2 / a)).astype(np.float32), np.full(b, 0.1, np.float32))
            for a, b in zip(self.widths, self.widths[1:], strict=False)
        ]


def ours(task: Task, engine: Any) -> Predict:
    forward = dense_network(task.widths[0], task.widths[1:-1], 1).forward()
    theta, x = np.concatenate([part.reshape(-1) for pair in task.weights() for part in pair]), task.x()
    predict = engine.partial(forward, theta)
    return lambda: predict(x)[0]


def onnx_runtime(task: Task) -> Predict:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes, arrays, value = [], [], "x"
    for k, (W, b) in enumerate(task.weights()):
        arrays += [numpy_helper.from_array(W, f"W{k}"), numpy_helper.from_array(b, f"b{k}")]
        nodes.append(helper.make_node("Gemm", [value, f"W{k}", f"b{k}"], [f"z{k}"]))
        value = f"z{k}"
        if k < len(task.widths) - 2:
            nodes.append(helper.make_node("Relu", [value], [f"a{k}"]))
            value = f"a{k}"
    x, o = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in (("x", task.widths[0]), (value, 1))
    )
    graph = helper.make_graph(nodes, "network", [x], [o], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rows = task.x()
    return lambda: session.run(None, {"x": rows})[0]


def torch_(task: Task) -> Predict:
    import torch

    layers: list[Any] = []
    for W, b in task.weights():
        linear = torch.nn.Linear(*W.shape)
        linear.weight.data, linear.bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
        layers += [linear, torch.nn.ReLU()]
    model, x = torch.nn.Sequential(*layers[:-1]).eval(), task.x()

    def predict() -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(x)).numpy()

    return predict


def scikit_learn(task: Task) -> Predict:
    from sklearn.neural_network import MLPRegressor

    x = task.x()
    model = MLPRegressor(hidden_layer_sizes=task.widths[1:-1], max_iter=1).fit(
        np.zeros((2, x.shape[1]), np.float32), [0.0, 1.0]
    )
    pairs = task.weights()
    model.coefs_, model.intercepts_ = [W for W, _ in pairs], [b for _, b in pairs]
    return lambda: model.predict(x)


def jax_(task: Task) -> Predict:
    import jax
    import jax.numpy as jnp

    weights = [(jnp.asarray(W), jnp.asarray(b)) for W, b in task.weights()]

    @jax.jit
    def forward(x: Any) -> Any:
        for k, (W, b) in enumerate(weights):
            x = x @ W + b
            x = jnp.maximum(x, 0) if k < len(weights) - 1 else x
        return x

    x = task.x()
    return lambda: np.asarray(forward(x))


def contenders(task: Task) -> Iterator[Contender]:
    def timed(make: Callable[[Task], Predict]) -> Callable[[], Turn]:
        return lambda: calls_timed(make(task))

    yield "native", "backpass.engine.native._core", timed(lambda task: ours(task, default_engine()))
    yield "native, 1 thread", "backpass.engine.native._core", timed(lambda task: ours(task, default_engine(1)))
    yield "numpy engine", "numpy", timed(lambda task: ours(task, NumpyEngine()))
    yield "onnxruntime", "onnxruntime", timed(onnx_runtime)
    yield "torch", "torch", timed(torch_)
    yield "scikit-learn", "sklearn", timed(scikit_learn)
    yield "jax, jit", "jax", timed(jax_)


def report(task: Task, times: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Print the table of a task; the records to keep."""
    medians = {name: 1e6 * statistics.median(taken) for name, taken in times.items()}
    ours = medians["native" if "native" in medians else "numpy engine"]
    print(f"\n{task.name}, {task.rows:,} row{'s' if task.rows > 1 else ''}")
    print(f"  {'':<20} {'us':>10} {'fastest':>10} {'rows/s':>14} {'/ native':>9}")
    records = []
    for name, median in medians.items():
        fastest = 1e6 * min(times[name])
        print(f"  {name:<20} {median:>10.1f} {fastest:>10.1f} {1e6 * task.rows / median:>14,.0f} {median / ours:>9.2f}")
        records.append(
            {"network": task.name, "rows": task.rows, "name": name, "rounds": len(times[name]),
             "median_us": round(median, 2), "fastest_us": round(fastest, 2), "ratio": round(median / ours, 3)}
        )  # fmt: skip
    return records


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=31, help="turns per contender at most (default 31)")
    arguments.add_argument("--seconds", type=float, default=40.0, help="time per task, about (default 40)")
    arguments.add_argument("--rows", type=int, nargs="*", default=ROWS, help="rows at once (default: 1 and 100000)")
    options = arguments.parse_args()
    refuse_a_slowed_blas()
    warnings.simplefilter("ignore")
    records: list[dict[str, Any]] = []
    reasons: dict[str, str] = {}
    print(conditions())
    for task in (Task(widths, rows) for rows in options.rows for widths in NETWORKS):
        turns, absent = ready(contenders(task))
        reasons |= absent
        records += report(task, interleaved(turns, options.rounds, options.seconds))
    for name, reason in reasons.items():
        print(f"left out: {name}: {reason}")
    print_records([{**record, **conditions()} for record in records])


if __name__ == "__main__":
    main()
