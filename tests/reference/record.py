#!/usr/bin/env python3
"""Records what ONNX Runtime makes of single ops, as text that tests/unit/ops/reference_test.cpp reads.

Needs onnx, onnxruntime and numpy; is run by hand when a case is added:

    python3 tests/reference/record.py > tests/reference/onnxruntime.txt

A line is `op: sample => outputs`, in the text form of samples (docs/ir.md).
"""

import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

NAMES = {
    "float32": "f32", "float64": "f64", "float16": "f16", "int8": "i8", "int16": "i16",
    "int32": "i32", "int64": "i64", "uint8": "u8", "uint16": "u16", "bool": "bool",
    "object": "str",
}


def number(value):
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (int, np.integer)):
        return str(value)
    return str(value)  # NumPy's: the fewest digits that say it


def element(value):
    return '"' + value + '"' if isinstance(value, str) else number(value)


def tensor_text(array):
    shape = ",".join(str(n) for n in array.shape)
    values = ", ".join(element(v) for v in array.ravel())
    return f"{NAMES[str(array.dtype)]}[{shape}]{{{values}}}"


def attr_text(value):
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(attr_text(v) for v in value) + "]"
    return str(value)


def proto_type(array):
    if array.dtype == object:
        return TensorProto.STRING
    return helper.np_dtype_to_tensor_dtype(array.dtype)


def run(op, inputs, attrs, outputs, types=None):
    """types: of those outputs whose type it does not infer."""
    types = types or {}
    domain, _, name = op.rpartition(".")
    names = [f"i{k}" if x is not None else "" for k, x in enumerate(inputs)]
    results = [f"o{k}" for k in range(outputs)]
    node = helper.make_node(name, names, results, domain=domain, **attrs)
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info(n, proto_type(x), x.shape)
         for n, x in zip(names, inputs) if n],
        [helper.make_tensor_value_info(r, types[r], None) if r in types else
         onnx.ValueInfoProto(name=r) for r in results])
    version = {"ai.onnx.ml": 3, "com.microsoft": 1, "": 21}[domain]
    opsets = [helper.make_opsetid(domain, version)]
    if domain:
        opsets.append(helper.make_opsetid("", 21))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {n: x for n, x in zip(names, inputs) if n})


def packed_case(op, packed, apart, attrs):
    """A case with packed inputs, which ONNX Runtime takes apart only."""
    result, = run(op, list(apart.values()), attrs, 1)
    show(op, packed, attrs, [result])


def case(op, inputs, attrs=None, outputs=1, types=None):
    """inputs: {name: array or None}, in the order of the op's inputs."""
    attrs = attrs or {}
    try:
        results = run(op, list(inputs.values()), attrs, outputs, types)
    except Exception as error:  # pylint: disable=broad-except
        print(f"{op}: {str(error)[:200]}", file=sys.stderr)
        return
    show(op, inputs, attrs, results)


def show(op, inputs, attrs, results):
    parts = [f"{n.rstrip('_')}: {tensor_text(x)}" if not n.startswith("...") else tensor_text(x)
             for n, x in inputs.items() if x is not None]
    parts += [f"{n}={attr_text(v)}" for n, v in attrs.items()]
    shown = "; ".join(tensor_text(np.asarray(r)) for r in results)
    print(f"{op}: {', '.join(parts)} => {shown}")


RNG = np.random.default_rng(5)


def f32(*shape, scale=1.0):
    return np.round(RNG.normal(size=shape) * scale, 3).astype(np.float32)


def integers(dtype, low, high, *shape):
    return RNG.integers(low, high, size=shape).astype(dtype)


def scalar(value, dtype=np.float32):
    return np.array(value, dtype)


def fl(array):
    return [float(f"{float(v):.7g}") for v in np.asarray(array).ravel()]


def ml_cases():
    x = f32(4, 3)
    case("ai.onnx.ml.Scaler", {"X": x}, {"offset": [0.5, -1.0, 2.0], "scale": [2.0, 0.5, 1.5]})
    case("ai.onnx.ml.Scaler", {"X": x.astype(np.int64)}, {"offset": [0.5], "scale": [2.0]})
    case("ai.onnx.ml.Normalizer", {"X": x}, {"norm": "L1"})
    case("ai.onnx.ml.Normalizer", {"X": x}, {"norm": "L2"})
    case("ai.onnx.ml.Normalizer", {"X": np.abs(x)}, {"norm": "MAX"})
    case("ai.onnx.ml.Binarizer", {"X": x}, {"threshold": 0.25})
    holes = x.copy()
    holes[1, 2] = np.nan
    case("ai.onnx.ml.Imputer", {"X": holes},
         {"imputed_value_floats": [1.0, 2.0, 3.0], "replaced_value_float": float("nan")})
    case("ai.onnx.ml.Imputer", {"X": integers(np.int64, 0, 3, 3, 2)},
         {"imputed_value_int64s": [7], "replaced_value_int64": 1})
    case("ai.onnx.ml.OneHotEncoder", {"X": integers(np.int64, 0, 4, 5)},
         {"cats_int64s": [1, 2, 3], "zeros": 1})
    case("ai.onnx.ml.OneHotEncoder", {"X": np.array(["b", "x", "a"], dtype=object)},
         {"cats_strings": ["a", "b"], "zeros": 1})
    case("ai.onnx.ml.ArrayFeatureExtractor", {"X": x, "Y": np.array([[2, 0]], np.int64)})
    case("ai.onnx.ml.LabelEncoder", {"X": np.array(["b", "x", "a"], dtype=object)},
         {"keys_strings": ["a", "b"], "values_int64s": [5, 6], "default_int64": -7})
    case("ai.onnx.ml.LabelEncoder", {"X": np.array([3, 1, 2], np.int64)},
         {"keys_int64s": [1, 2], "values_strings": ["one", "two"], "default_string": "many"})
    case("ai.onnx.ml.LabelEncoder", {"X": np.array([0.5, 2], np.float32)},
         {"keys_floats": [0.5, 3.0], "values_floats": [1.5, 2.5], "default_float": -1.0})
    case("ai.onnx.ml.CategoryMapper", {"X": np.array(["b", "x"], dtype=object)},
         {"cats_int64s": [1, 2], "cats_strings": ["a", "b"], "default_int64": -4})
    linear_cases(x)
    svm_cases(x)
    tree_cases()


def linear_cases(x):
    w = fl(f32(3, 3))
    for transform in ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"]:
        case("ai.onnx.ml.LinearClassifier", {"X": x},
             {"coefficients": w, "intercepts": [0.5, -0.25, 0.0],
              "classlabels_strings": ["a", "b", "c"], "post_transform": transform}, 2)
        case("ai.onnx.ml.LinearRegressor", {"X": x},
             {"coefficients": w, "intercepts": [0.5, -0.25, 0.0], "targets": 3,
              "post_transform": transform})
    for transform in ["NONE", "LOGISTIC"]:
        case("ai.onnx.ml.LinearClassifier", {"X": x},
             {"coefficients": w[:3], "intercepts": [0.5], "classlabels_ints": [7, 9],
              "post_transform": transform}, 2)


def svm_cases(x):
    for kernel, params in [("LINEAR", [0.0, 0.0, 0.0]), ("POLY", [0.5, 1.0, 2.0]),
                           ("RBF", [0.3, 0.0, 0.0]), ("SIGMOID", [0.4, 0.1, 0.0])]:
        case("ai.onnx.ml.SVMRegressor", {"X": x},
             {"coefficients": fl(f32(4)), "support_vectors": fl(f32(4, 3)), "n_supports": 4,
              "rho": [0.25], "kernel_type": kernel, "kernel_params": params})
        case("ai.onnx.ml.SVMClassifier", {"X": x},
             {"coefficients": fl(f32(2, 6)), "support_vectors": fl(f32(6, 3)),
              "vectors_per_class": [2, 3, 1], "rho": [0.25, -0.5, 0.1], "kernel_type": kernel,
              "kernel_params": params, "classlabels_ints": [3, 5, 8]}, 2)
    case("ai.onnx.ml.SVMRegressor", {"X": x},
         {"coefficients": fl(f32(4)), "support_vectors": fl(f32(4, 3)), "n_supports": 4,
          "rho": [0.25], "kernel_type": "RBF", "kernel_params": [0.3, 0.0, 0.0], "one_class": 1})
    case("ai.onnx.ml.SVMClassifier", {"X": x},
         {"coefficients": fl(f32(1, 4)), "support_vectors": fl(f32(4, 3)),
          "vectors_per_class": [2, 2], "rho": [0.25], "kernel_type": "RBF",
          "kernel_params": [0.3, 0.0, 0.0], "classlabels_strings": ["no", "yes"]}, 2)
    case("ai.onnx.ml.SVMClassifier", {"X": x},
         {"coefficients": fl(f32(2, 6)), "support_vectors": fl(f32(6, 3)),
          "vectors_per_class": [2, 3, 1], "rho": [0.25, -0.5, 0.1], "kernel_type": "RBF",
          "kernel_params": [0.3, 0.0, 0.0], "classlabels_ints": [3, 5, 8],
          "prob_a": [-1.5, -1.0, -0.75], "prob_b": [0.1, 0.2, -0.1]}, 2)


def tree_cases():
    x = f32(6, 2)
    nodes = {
        "nodes_treeids": [0, 0, 0, 0, 0, 1, 1, 1], "nodes_nodeids": [0, 1, 2, 3, 4, 0, 1, 2],
        "nodes_modes": ["BRANCH_LEQ", "BRANCH_GT", "LEAF", "LEAF", "LEAF", "BRANCH_LT", "LEAF",
                        "LEAF"],
        "nodes_featureids": [0, 1, 0, 0, 0, 1, 0, 0],
        "nodes_truenodeids": [1, 3, 0, 0, 0, 1, 0, 0],
        "nodes_falsenodeids": [2, 4, 0, 0, 0, 2, 0, 0],
        "nodes_values": [0.25, -0.5, 0.0, 0.0, 0.0, 0.1, 0.0, 0.0]}
    votes = ([0, 0, 0, 1, 1], [2, 3, 4, 1, 2])
    for aggregate in ["SUM", "AVERAGE", "MIN", "MAX"]:
        case("ai.onnx.ml.TreeEnsembleRegressor", {"X": x},
             {**nodes, "target_treeids": votes[0], "target_nodeids": votes[1],
              "target_ids": [0, 1, 0, 1, 0], "target_weights": [1.5, -2.0, 0.5, 0.75, 3.0],
              "n_targets": 2, "aggregate_function": aggregate})
    for transform in ["NONE", "SOFTMAX", "LOGISTIC"]:
        case("ai.onnx.ml.TreeEnsembleClassifier", {"X": x},
             {**nodes, "class_treeids": votes[0], "class_nodeids": votes[1],
              "class_ids": [0, 1, 2, 1, 0], "class_weights": [0.5, 0.25, 0.5, 0.75, 0.3],
              "classlabels_int64s": [4, 5, 6], "post_transform": transform}, 2)
        case("ai.onnx.ml.TreeEnsembleClassifier", {"X": x},
             {**nodes, "class_treeids": votes[0], "class_nodeids": votes[1],
              "class_ids": [0, 0, 0, 0, 0], "class_weights": [0.5, 0.25, 0.125, 0.25, 0.3],
              "classlabels_strings": ["no", "yes"], "post_transform": transform}, 2)
        case("ai.onnx.ml.TreeEnsembleClassifier", {"X": x},
             {**nodes, "class_treeids": votes[0], "class_nodeids": votes[1],
              "class_ids": [1, 1, 1, 1, 1], "class_weights": [0.5, -0.25, 0.125, 0.25, -0.3],
              "classlabels_int64s": [3, 9], "post_transform": transform}, 2)


def fused_cases():
    ms = "com.microsoft."
    x, h = f32(2, 3, 8), f32(8)
    case(ms + "Gelu", {"X": x})
    case(ms + "BiasGelu", {"A": x, "B": h})
    case(ms + "FastGelu", {"X": x, "bias": h})
    case(ms + "QuickGelu", {"X": x}, {"alpha": 1.5})
    case(ms + "FusedMatMul", {"A": f32(2, 4, 3), "B": f32(2, 5, 4)},
         {"alpha": 0.5, "transA": 1, "transB": 1})
    case(ms + "FusedMatMul", {"A": f32(3, 2, 4), "B": f32(2, 4, 5)}, {"transBatchA": 1})
    case(ms + "FusedConv", {"X": f32(1, 2, 5, 5), "W": f32(3, 2, 3, 3), "B": f32(3)},
         {"activation": "LeakyRelu", "activation_params": [0.25]})
    case(ms + "FusedGemm", {"A": f32(3, 4), "B": f32(5, 4), "C": f32(5)},
         {"activation": "Relu", "transB": 1, "alpha": 0.5})
    case(ms + "SkipLayerNormalization",
         {"input": x, "skip": f32(2, 3, 8), "gamma": f32(8), "beta": f32(8), "bias": f32(8)})
    case(ms + "SkipSimplifiedLayerNormalization",
         {"input": x, "skip": f32(2, 3, 8), "gamma": f32(8), "bias": f32(8)})
    case("SimplifiedLayerNormalization", {"X": x, "scale": h})
    case(ms + "EmbedLayerNormalization",
         {"input_ids": integers(np.int32, 0, 6, 2, 3), "segment_ids": integers(np.int32, 0, 2, 2, 3),
          "word_embedding": f32(6, 8), "position_embedding": f32(5, 8),
          "segment_embedding": f32(2, 8), "gamma": f32(8), "beta": f32(8),
          "mask": np.array([[1, 1, 0], [1, 1, 1]], np.int32)}, {}, 2)
    case(ms + "Inverse", {"X": f32(2, 3, 3)})
    case(ms + "Trilu", {"X": f32(3, 4), "k": scalar(1, np.int64)})
    case(ms + "GatherND", {"data": f32(2, 3), "indices": np.array([[0, 1], [1, 2]], np.int64)})


def quantized_cases():
    ms = "com.microsoft."
    u8, i8 = np.uint8, np.int8
    a, b = integers(u8, 0, 255, 2, 3), integers(u8, 0, 255, 3)
    for name in ["QLinearAdd", "QLinearMul"]:
        case(ms + name, {"A": a, "A_scale": scalar(0.05), "A_zero_point": scalar(120, u8),
                         "B": b, "B_scale": scalar(0.1), "B_zero_point": scalar(100, u8),
                         "C_scale": scalar(0.2), "C_zero_point": scalar(110, u8)})
    one = {"X": a, "X_scale": scalar(0.05), "x_zero_point": scalar(120, u8)}
    case(ms + "QLinearSigmoid",
         {**one, "Y_scale": scalar(1 / 256), "y_zero_point": scalar(0, u8)})
    case(ms + "QLinearLeakyRelu",
         {**one, "Y_scale": scalar(0.04), "y_zero_point": scalar(30, u8)}, {"alpha": 0.25})
    case(ms + "QLinearSoftmax",
         {**one, "y_scale": scalar(1 / 256), "y_zero_point": scalar(0, u8)},
         {"axis": 1, "opset": 13})
    image = integers(u8, 0, 255, 1, 2, 4, 4)
    pool = {"X": image, "x_scale": scalar(0.05), "x_zero_point": scalar(120, u8),
            "y_scale": scalar(0.05), "y_zero_point": scalar(100, u8)}
    case(ms + "QLinearGlobalAveragePool", pool, {"channels_last": 0})
    case(ms + "QLinearAveragePool", pool, {"kernel_shape": [2, 2], "strides": [2, 2]})
    case(ms + "QLinearConcat",
         {"inputs": scalar(0.1), "...zero": scalar(90, u8), "...a": a, "...as": scalar(0.05),
          "...az": scalar(120, u8), "...b": integers(u8, 0, 255, 1, 3), "...bs": scalar(0.2),
          "...bz": scalar(3, u8)}, {"axis": 0})
    case(ms + "NhwcMaxPool", {"x": integers(u8, 0, 255, 1, 4, 4, 2)},
         {"kernel_shape": [2, 2], "strides": [2, 2]})
    case(ms + "QuantizeLinear",
         {"x": f32(2, 3), "y_scale": np.array([0.1, 0.2, 0.05], np.float32),
          "y_zero_point": np.array([3, 5, 7], u8)}, {"axis": 1})
    case(ms + "DequantizeLinear",
         {"x": a, "x_scale": np.array([0.1, 0.2, 0.05], np.float32),
          "x_zero_point": np.array([3, 5, 7], u8)}, {"axis": 1})
    left, right = integers(u8, 0, 255, 3, 4), integers(i8, -128, 127, 4, 5)
    case(ms + "MatMulIntegerToFloat",
         {"A": left, "B": right, "a_scale": scalar(0.05), "b_scale": np.abs(f32(5)),
          "a_zero_point": scalar(120, u8), "b_zero_point": np.zeros(5, i8), "bias": f32(5)})
    case(ms + "DynamicQuantizeMatMul",
         {"A": f32(3, 4), "B": right, "b_scale": np.abs(f32(5)), "b_zero_point": np.zeros(5, i8),
          "bias": f32(5)})
    case(ms + "QGemm",
         {"A": left, "a_scale": scalar(0.05), "a_zero_point": scalar(120, u8), "B": right,
          "b_scale": scalar(0.02), "b_zero_point": scalar(3, i8),
          "C": integers(np.int32, -500, 500, 5), "y_scale": scalar(0.5),
          "y_zero_point": scalar(128, u8)}, {"alpha": 1.0})
    case(ms + "MatMulNBits",
         {"A": f32(2, 32), "B": integers(u8, 0, 255, 3, 2, 8), "scales": np.abs(f32(6)),
          "zero_points": integers(u8, 0, 255, 3)},
         {"K": 32, "N": 3, "bits": 4, "block_size": 16})
    case(ms + "MatMulNBits",
         {"A": f32(2, 32), "B": integers(u8, 0, 255, 3, 2, 8), "scales": np.abs(f32(6))},
         {"K": 32, "N": 3, "bits": 4, "block_size": 16})


def indexed_cases():
    """MatMulNBits with g_idx; packed and grouped attention. Last, for the random numbers go on."""
    ms = "com.microsoft."
    u8 = np.uint8
    groups = RNG.permutation(np.repeat(np.arange(2, dtype=np.int32), 16))
    case(ms + "MatMulNBits",
         {"A": f32(2, 32), "B": integers(u8, 0, 255, 3, 2, 8), "scales": np.abs(f32(3, 2)),
          "zero_points": None, "g_idx": groups},  # it takes no notice of zero points then
         {"K": 32, "N": 3, "bits": 4, "block_size": 16})
    qkv = f32(2, 3, 2, 3, 4)
    apart = [qkv[:, :, :, k].reshape(2, 3, 8) for k in range(3)]
    packed_case(ms + "MultiHeadAttention", {"query": qkv},
                dict(zip(["query", "key", "value"], apart)), {"num_heads": 2})
    query, kv = f32(2, 3, 8), f32(2, 5, 2, 2, 4)
    apart = [kv[:, :, :, k].reshape(2, 5, 8) for k in range(2)]
    packed_case(ms + "MultiHeadAttention", {"query": query, "key": kv},
                {"query": query, "key": apart[0], "value": apart[1]}, {"num_heads": 2})
    lengths = {"past_key": None, "past_value": None, "seqlens_k": np.array([2, 2], np.int32),
               "total_sequence_length": scalar(3, np.int32)}
    heads = {"num_heads": 4, "kv_num_heads": 2}
    tokens = {"query": f32(2, 3, 32), "key": f32(2, 3, 16), "value": f32(2, 3, 16), **lengths}
    case(ms + "GroupQueryAttention", tokens, {**heads, "smooth_softmax": 1}, 3)
    case(ms + "GroupQueryAttention", tokens, {**heads, "softcap": 2.0, "qk_output": 1}, 4)
    case(ms + "GroupQueryAttention", tokens, {**heads, "qk_output": 2}, 4)
    case(ms + "GroupQueryAttention", tokens, {**heads, "causal": 0}, 3)
    none = dict.fromkeys(["cos_cache", "sin_cache", "position_ids", "attention_bias"])
    case(ms + "GroupQueryAttention", {**tokens, **none, "head_sink": f32(4)},
         {**heads, "local_window_size": 2}, 3)
    case(ms + "GroupQueryAttention", {"query": f32(2, 3, 64), "key": None, "value": None, **lengths},
         heads, 3)
    cache = {"past_key": f32(2, 2, 4, 8), "past_value": f32(2, 2, 4, 8),
             "seqlens_k": np.array([4, 3], np.int32), "total_sequence_length": scalar(5, np.int32)}
    case(ms + "GroupQueryAttention",
         {"query": f32(2, 1, 32), "key": f32(2, 1, 16), "value": f32(2, 1, 16), **cache},
         {**heads, "smooth_softmax": 1, "local_window_size": 3}, 3)
    case(ms + "MultiHeadAttention", {"query": f32(2, 3, 8), "key": f32(2, 3, 8),
                                     "value": f32(2, 3, 8)},
         {"num_heads": 2, "unidirectional": 1}, 4, {"o3": TensorProto.FLOAT})
    case(ms + "QLinearWhere",
         {"condition": np.array([[1, 0, 1], [0, 0, 1]], bool), "X": integers(u8, 0, 255, 3),
          "x_scale": scalar(0.05), "x_zero_point": scalar(120, u8), "Y": integers(u8, 0, 255, 2, 1),
          "y_scale": scalar(0.1), "y_zero_point": scalar(100, u8), "z_scale": scalar(0.1),
          "z_zero_point": scalar(110, u8)})


def attention_cases():
    ms = "com.microsoft."
    x = f32(2, 3, 8)
    w, bias = f32(8, 24, scale=0.5), f32(24)
    case(ms + "Attention", {"input": x, "weights": w, "bias": bias}, {"num_heads": 2})
    case(ms + "Attention", {"input": x, "weights": w, "bias": bias},
         {"num_heads": 2, "unidirectional": 1})
    case(ms + "Attention",
         {"input": x, "weights": w, "bias": bias,
          "mask_index": np.array([[1, 1, 0], [1, 1, 1]], np.int32)}, {"num_heads": 2})
    case(ms + "Attention",
         {"input": x, "weights": w, "bias": bias, "mask_index": np.array([2, 3], np.int32)},
         {"num_heads": 2})
    case(ms + "Attention",
         {"input": x, "weights": w, "bias": bias, "mask_index": None, "past": f32(2, 2, 2, 4, 4)},
         {"num_heads": 2, "unidirectional": 1}, 2)
    q, k, v = f32(2, 3, 8), f32(2, 5, 8), f32(2, 5, 8)
    case(ms + "MultiHeadAttention", {"query": q, "key": k, "value": v}, {"num_heads": 2})
    case(ms + "MultiHeadAttention",
         {"query": q, "key": k, "value": v, "bias": f32(24),
          "key_padding_mask": np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32),
          "attention_bias": f32(1, 2, 3, 5)}, {"num_heads": 2, "scale": 0.4})
    case(ms + "MultiHeadAttention",
         {"query": q, "key": f32(2, 3, 8), "value": f32(2, 3, 8), "bias": None,
          "key_padding_mask": None, "attention_bias": None, "past_key": f32(2, 2, 2, 4),
          "past_value": f32(2, 2, 2, 4)}, {"num_heads": 2, "unidirectional": 1}, 3)
    cos, sin = f32(6, 2), f32(6, 2)
    ids = np.array([[0, 1, 2], [2, 3, 4]], np.int64)
    for interleaved in [0, 1]:
        case(ms + "RotaryEmbedding",
             {"input": x, "position_ids": ids, "cos_cache": cos, "sin_cache": sin},
             {"interleaved": interleaved})
    case(ms + "RotaryEmbedding",
         {"input": f32(1, 2, 3, 4), "position_ids": np.array([1], np.int64), "cos_cache": cos,
          "sin_cache": sin})
    group_query_cases()


def group_query_cases():
    op = "com.microsoft.GroupQueryAttention"
    case(op,
         {"query": f32(2, 3, 32), "key": f32(2, 3, 16), "value": f32(2, 3, 16), "past_key": None,
          "past_value": None, "seqlens_k": np.array([2, 2], np.int32),
          "total_sequence_length": scalar(3, np.int32)}, {"num_heads": 4, "kv_num_heads": 2}, 3)
    cos, sin = f32(6, 8), f32(6, 8)
    case(op,
         {"query": f32(2, 1, 32), "key": f32(2, 1, 16), "value": f32(2, 1, 16),
          "past_key": f32(2, 1, 4, 16), "past_value": f32(2, 1, 4, 16),
          "seqlens_k": np.array([4, 4], np.int32), "total_sequence_length": scalar(5, np.int32),
          "cos_cache": cos, "sin_cache": sin},
         {"num_heads": 2, "kv_num_heads": 1, "do_rotary": 1, "scale": 0.3}, 3)
    case(op,
         {"query": f32(1, 3, 32), "key": f32(1, 3, 16), "value": f32(1, 3, 16), "past_key": None,
          "past_value": None, "seqlens_k": np.array([2], np.int32),
          "total_sequence_length": scalar(3, np.int32), "cos_cache": cos, "sin_cache": sin},
         {"num_heads": 2, "kv_num_heads": 1, "do_rotary": 1, "rotary_interleaved": 1,
          "local_window_size": 2}, 3)


if __name__ == "__main__":
    print("# Made by record.py with ONNX Runtime", onnxruntime.__version__)
    ml_cases()
    fused_cases()
    quantized_cases()
    attention_cases()
    indexed_cases()
