#!/usr/bin/env python3
"""Compares dlc's interpreter with ONNX Runtime, node by node, over all op rows.

Needs onnx, onnxruntime and numpy; is run by hand:

    ninja -C build reference_cases && build/bin/reference_cases /tmp/cases
    python3 tests/reference/compare.py /tmp/cases            # rows that differ, and why not run
    python3 tests/reference/compare.py /tmp/cases --table    # for docs/conformance.md

The cases hold the samples of each row and nodes drawn from them, inputs, and the interpreter's
results.
"""

import argparse
import collections
import multiprocessing
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

def constants(path):
    """The outputs of a graph of constants."""
    graph = onnx.load(path).graph
    tensors = {t.name: t for t in graph.initializer}
    for node in graph.node:
        tensors[node.output[0]] = node.attribute[0].t
    return [numpy_helper.to_array(tensors[v.name]) for v in graph.output]


def run(path):
    """(outcome, what about it) of one case."""
    model = onnx.load(path)
    data = constants(path.with_suffix(".data.onnx"))
    inputs = dict(zip([v.name for v in model.graph.input], data))
    expected = data[len(inputs):]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                               providers=["CPUExecutionProvider"])
    except Exception as error:  # pylint: disable=broad-except
        return "not loaded", one_line(error)
    try:
        if all(has_numpy_type(x) for x in data):
            outputs = session.run(None, inputs)
        else:
            values = {n: ort_value(x, model, n) for n, x in inputs.items()}
            outputs = [r.numpy() for r in session.run_with_ort_values(None, values)]
    except Exception as error:  # pylint: disable=broad-except
        return "not run", one_line(error)
    for k, (got, want) in enumerate(zip(outputs, expected)):
        text = difference(want, got)
        if text:
            return "differs", f"output {k}: {text}"
    return "agrees", ""


def has_numpy_type(array):
    return array.dtype.kind in "biufcOUS" and array.dtype.name in np.sctypeDict


def ort_value(array, model, name):
    if has_numpy_type(array):
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)
    if array.dtype.name.removeprefix("u") in ("int2", "int4") or "float4" in array.dtype.name:
        raise TypeError("elements below 8 bits are packed there")
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(
        array.view(f"u{array.dtype.itemsize}"), tensor_type(model, name))


def tensor_type(model, name):
    return next(v.type.tensor_type.elem_type for v in model.graph.input if v.name == name)


def one_line(error):
    return re.sub(r"\s+", " ", str(error))[:300]


def difference(ours, theirs):
    if ours.shape != theirs.shape:
        return f"shape {ours.shape} here, {theirs.shape} there"
    if not has_numpy_type(ours) and theirs.dtype.itemsize == ours.dtype.itemsize:
        theirs = theirs.view(ours.dtype)
    if ours.dtype.kind not in "OUS" and ours.dtype != theirs.dtype:
        return f"type {ours.dtype} here, {theirs.dtype} there"
    if ours.dtype.kind in "OUS" or ours.dtype == bool:
        same = ours.astype(str) == theirs.astype(str)
    elif ours.dtype.kind in "iu":
        same = ours == theirs
    else:
        width = 1e-2 if ours.dtype.itemsize < 4 else 1e-4
        kind = np.complex128 if ours.dtype.kind == "c" else np.float64
        same = np.isclose(theirs.astype(kind), ours.astype(kind), rtol=width, atol=width / 10,
                          equal_nan=True)
    if np.all(same):
        return ""
    at = np.argwhere(~np.atleast_1d(same))[0]
    place = tuple(int(i) for i in at) if ours.ndim else ()
    return (f"{np.sum(~same)} of {ours.size} elements, first {place}: {ours[place]} here, "
            f"{theirs[place]} there")


def run_apart(path):
    """The same in a process of its own: not every kernel survives."""
    receive, send = multiprocessing.Pipe(False)
    child = multiprocessing.Process(target=lambda: send.send(run(path)))
    child.start()
    child.join(30)
    if receive.poll():
        return receive.recv()
    child.kill()
    return "not run", "it crashes"


def table(outcomes):
    print("| | rows | nodes |\n|---|---|---|")
    rows = collections.defaultdict(set)
    for (row, _), (outcome, _) in outcomes.items():
        rows[row].add(outcome)
    nodes = collections.Counter(outcome for outcome, _ in outcomes.values())
    ran = {row for row, seen in rows.items() if seen & {"agrees", "differs"}}
    print(f"| all | {len(rows)} | {len(outcomes)} |")
    print(f"| ONNX Runtime runs | {len(ran)} | {nodes['agrees'] + nodes['differs']} |")
    differ = {row for row in ran if "differs" in rows[row]}
    print(f"| agree | {len(ran - differ)} | {nodes['agrees']} |")
    print(f"| differ | {len(differ)} | {nodes['differs']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    outcomes = {}
    for path in sorted(args.cases.glob("*.onnx")):
        if path.name.endswith(".data.onnx") or args.only not in path.name:
            continue
        row, number = path.name.removesuffix(".onnx").rsplit(".", 1)
        outcomes[row, int(number)] = run_apart(path)
    table(outcomes)
    if args.table:
        return
    for (row, number), (outcome, text) in sorted(outcomes.items()):
        if outcome != "agrees":
            print(f"{row}.{number}: {outcome}: {text}")


if __name__ == "__main__":
    sys.exit(main())
