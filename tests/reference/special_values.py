#!/usr/bin/env python3
"""Records what NumPy makes of special values, as text that tests/unit/ops/reference_test.cpp reads.

ONNX defines its element types and operators by NumPy's where it does not say more. Needs numpy; is
run by hand when a case is added:

    python3 tests/reference/special_values.py > tests/reference/numpy.txt

A line is `op: sample => outputs`, in the text form of samples (docs/ir.md).
"""

import math

import numpy as np

NAMES = {
    "float32": "f32", "float64": "f64", "float16": "f16", "int8": "i8", "int16": "i16",
    "int32": "i32", "int64": "i64", "uint8": "u8", "uint16": "u16", "uint32": "u32",
    "uint64": "u64", "bool": "bool",
}
ONNX_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7,
              "bool": 9, "float16": 10, "float64": 11, "uint32": 12, "uint64": 13}
FLOATS = [np.float32, np.float64, np.float16]
INTEGERS = [np.int8, np.int32, np.int64, np.uint8, np.uint64]
SIGNED = INTEGERS[:3]


def tensor_text(array):
    array = np.asarray(array)
    values = ", ".join(str(int(v)) if array.dtype.kind in "iub" else str(v)
                       for v in array.ravel())
    return f"{NAMES[str(array.dtype)]}[{','.join(map(str, array.shape))}]{{{values}}}"


def attr_text(value):
    return f'"{value}"' if isinstance(value, str) else str(value).replace(" ", "")


def case(op, inputs, result, **attrs):
    parts = [f"{name}: {tensor_text(x)}" for name, x in inputs.items()]
    parts += [f"{name}={attr_text(value)}" for name, value in attrs.items()]
    print(f"{op}: {', '.join(parts)} => {tensor_text(result)}")


def reals(dtype):
    info = np.finfo(dtype)
    tiny, least = float(info.tiny), float(info.smallest_subnormal)
    return np.array([0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan, info.max, info.min, tiny, -least,
                     0.5, -0.5, 1.5, 2.5, -2.5, 3, -7], dtype)


def integers(dtype):
    info = np.iinfo(dtype)
    values = [0, 1, 2, 7, info.max, info.min]
    if info.min < 0:
        values += [-1, -7]
    return np.array(values, dtype)


def pairs(values):
    if values.dtype.kind == "f":
        values = values[[0, 1, 2, 4, 5, 6, 7, 10, 15]]
    return np.repeat(values, len(values)), np.tile(values, len(values))


def float_functions():
    functions = {
        "Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log, "Sin": np.sin, "Cos": np.cos,
        "Asin": np.arcsin, "Acos": np.arccos, "Atan": np.arctan, "Sinh": np.sinh, "Cosh": np.cosh,
        "Tanh": np.tanh, "Asinh": np.arcsinh, "Acosh": np.arccosh, "Atanh": np.arctanh,
        "Erf": np.vectorize(math.erf)}
    for name, function in functions.items():
        x = reals(np.float32)
        case(name, {"input" if name != "Sqrt" else "X": x},
             function(x.astype(np.float64)).astype(np.float32))
    for dtype in FLOATS:
        x = reals(dtype)
        for name, function in {"Abs": np.abs, "Neg": np.negative, "Floor": np.floor,
                               "Ceil": np.ceil, "Round": np.rint, "Reciprocal": np.reciprocal,
                               "IsNaN": np.isnan, "IsInf": np.isinf}.items():
            case(name, {"X": x}, function(x))
        case("Sign", {"input": x}, np.sign(x))
        positive = x[~((x == 0) & np.signbit(x))]  # which zero max(-0, 0) is, NumPy leaves open
        case("Relu", {"X": positive}, np.maximum(positive, dtype(0)))
        case("Clip", {"input": x, "min": dtype(-1), "max": dtype(2)}, np.clip(x, -1, 2))


def arithmetic():
    for dtype in FLOATS:
        a, b = pairs(reals(dtype))
        for name, function in {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply,
                               "Div": np.divide}.items():
            case(name, {"A": a, "B": b}, function(a, b))
        case("Mod", {"A": a, "B": b}, np.fmod(a, b), fmod=1)
        case("Mod", {"A": a, "B": b}, np.mod(a, b))
        a, b = (x[(a != 0) | (b != 0)] for x in (a, b))
        for name, function in {"Min": np.minimum, "Max": np.maximum}.items():
            print(f"{name}: data_0: {tensor_text(a)}, {tensor_text(b)} => "
                  f"{tensor_text(function(a, b))}")
    a, b = pairs(reals(np.float32))
    case("Pow", {"X": a, "Y": b},
         np.power(a.astype(np.float64), b.astype(np.float64)).astype(np.float32))
    for dtype in INTEGERS:
        a, b = pairs(integers(dtype))
        for name, function in {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}.items():
            case(name, {"A": a, "B": b}, function(a, b))
        quotient = np.floor_divide(a, b)
        inexact = (b != 0) & (a != quotient * b)
        case("Div", {"A": a, "B": b},  # towards zero
             (quotient + (inexact & ((a < 0) != (b < 0)))).astype(dtype))
        case("Mod", {"A": a, "B": b}, np.mod(a, b))
        case("Mod", {"A": a, "B": b}, np.fmod(a, b), fmod=1)
    for dtype in SIGNED:
        x = integers(dtype)
        case("Abs", {"X": x}, np.abs(x))
        case("Neg", {"X": x}, np.negative(x))
        case("Sign", {"input": x}, np.sign(x))


def logic():
    for dtype in FLOATS + [np.int64, np.uint64]:
        a, b = pairs(reals(dtype) if dtype in FLOATS else integers(dtype))
        for name, function in {"Equal": np.equal, "Less": np.less, "LessOrEqual": np.less_equal,
                               "Greater": np.greater,
                               "GreaterOrEqual": np.greater_equal}.items():
            case(name, {"A": a, "B": b}, function(a, b))
    for dtype in INTEGERS:
        x, amount = pairs(integers(dtype))
        case("BitShift", {"X": x, "Y": amount}, np.left_shift(x, amount), direction="LEFT")
        case("BitShift", {"X": x, "Y": amount}, np.right_shift(x, amount), direction="RIGHT")


def casts():
    for dtype in FLOATS:
        x = reals(dtype)
        for to in FLOATS + [np.bool_]:
            case("Cast", {"input": x}, x.astype(to), to=ONNX_TYPES[np.dtype(to).name])
        inside = x[np.isfinite(x) & (np.abs(x) < 100)]
        for to in INTEGERS:
            case("Cast", {"input": inside}, inside.astype(np.int64).astype(to),
                 to=ONNX_TYPES[np.dtype(to).name])
    for dtype in INTEGERS:
        x = integers(dtype)
        for to in INTEGERS + FLOATS + [np.bool_]:
            case("Cast", {"input": x}, x.astype(to), to=ONNX_TYPES[np.dtype(to).name])


def rows_with(dtype):
    """Ordinary numbers, with one or two special ones in each row, at other places."""
    special = [[np.inf], [-np.inf], [np.nan], [np.inf, -np.inf], [np.nan, np.inf], [-0.0],
               [float(np.finfo(dtype).max)] * 2, [float(np.finfo(dtype).smallest_subnormal)]]
    x = np.tile(np.array([0.5, -1, 2, 0.25, -0.75, 1, 3, -2, 1.5, 0], dtype), (len(special), 1))
    for k, values in enumerate(special):
        for j, value in enumerate(values):
            x[k, (3 * k + 4 * j) % x.shape[1]] = value
    return x


def reductions():
    axes = np.array([1], np.int64)
    for dtype in [np.float32, np.float64]:
        x = rows_with(dtype)
        wide = x.astype(np.float64)
        functions = {
            "ReduceSum": np.sum, "ReduceMax": np.max, "ReduceMin": np.min, "ReduceProd": np.prod,
            "ReduceMean": np.mean, "ReduceL1": lambda v, axis: np.abs(v).sum(axis=axis)}
        for name, function in functions.items():
            with_limits = x if name in ("ReduceMax", "ReduceMin") else x[[0, 1, 2, 3, 4, 5, 7]]
            case(name, {"data": with_limits, "axes": axes},
                 function(with_limits.astype(np.float64), axis=1).astype(dtype), keepdims=0)
        case("ReduceSum", {"data": -np.zeros((2, 3), dtype), "axes": axes},
             np.sum(np.zeros((2, 3), dtype), axis=1), keepdims=0)
        for name, function in {"ArgMax": np.argmax, "ArgMin": np.argmin}.items():
            case(name, {"data": x}, function(x, axis=1), axis=1, keepdims=0)
        moved = wide - wide.max(axis=1, keepdims=True)
        softmax = np.exp(moved) / np.exp(moved).sum(axis=1, keepdims=True)
        case("Softmax", {"input": x}, softmax.astype(dtype), axis=1)
        moved = moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))
        case("LogSoftmax", {"input": x}, moved.astype(dtype), axis=1)
        case("CumSum", {"x": x[[0, 1, 2, 3, 4]], "axis": np.int64(1)},
             np.cumsum(wide[[0, 1, 2, 3, 4]], axis=1).astype(dtype))
    for dtype in [np.int32, np.int64, np.uint32, np.uint64]:
        x = np.tile(integers(dtype), 2).reshape(2, -1)
        case("ReduceSum", {"data": x, "axes": axes}, np.sum(x, axis=1, dtype=dtype), keepdims=0)
        case("ReduceProd", {"data": x[:, 1:], "axes": axes}, np.prod(x[:, 1:], axis=1, dtype=dtype),
             keepdims=0)
        case("ReduceMax", {"data": x, "axes": axes}, np.max(x, axis=1), keepdims=0)
        case("ReduceMin", {"data": x, "axes": axes}, np.min(x, axis=1), keepdims=0)


def quantization():
    x = reals(np.float32)
    x = x[~np.isnan(x)]
    for dtype, zero in [(np.uint8, 128), (np.int8, -3), (np.int16, 5), (np.uint16, 7)]:
        info = np.iinfo(dtype)
        for scale in [0.5, 1e-38]:
            steps = np.rint(x.astype(np.float32) / np.float32(scale)).astype(np.float64) + zero
            case("QuantizeLinear",
                 {"x": x, "y_scale": np.float32(scale), "y_zero_point": dtype(zero)},
                 np.clip(steps, info.min, info.max).astype(dtype))


if __name__ == "__main__":
    np.seterr(all="ignore")
    print("# Made by special_values.py with NumPy", np.__version__)
    float_functions()
    arithmetic()
    logic()
    casts()
    reductions()
    quantization()
