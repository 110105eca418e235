// The tables of op rows, one a family. An op is found by name through find_op() of op_def.h.
#pragma once

#include <vector>

#include "compiler/ops/op_def.h"

namespace dlc {

const std::vector<OpDef>& structural_ops();     ///< Constant, dlc.Sizes
const std::vector<OpDef>& conv_ops();           ///< Conv, ConvTranspose, DeformConv
const std::vector<OpDef>& pool_ops();           ///< MaxPool, AveragePool, GlobalXxx
const std::vector<OpDef>& resize_ops();         ///< Resize
const std::vector<OpDef>& image_ops();          ///< GridSample, AffineGrid, RoiAlign, Col2Im
const std::vector<OpDef>& rnn_ops();            ///< RNN, GRU, LSTM
const std::vector<OpDef>& control_flow_ops();   ///< If, Loop, Scan
const std::vector<OpDef>& arithmetic_ops();     ///< Add ... Pow, rounding, Min, Max, Clip
const std::vector<OpDef>& math_ops();           ///< Exp, Log, Erf, Sin ... Atanh
const std::vector<OpDef>& activation_ops();     ///< Relu ... Softplus, Sigmoid
const std::vector<OpDef>& logic_ops();          ///< And, Equal, Less, Where, IsNaN, BitShift, ...
const std::vector<OpDef>& cast_ops();           ///< Cast, Identity, Dropout
const std::vector<OpDef>& reduce_ops();         ///< ReduceXxx, ArgMax, CumSum, Hardmax
const std::vector<OpDef>& normalization_ops();  ///< Softmax, BatchNormalization, LRN, ...
const std::vector<OpDef>& loss_ops();           ///< losses

const std::vector<OpDef>& shape_ops();         ///< Reshape, Transpose, Shape, Range, ...
const std::vector<OpDef>& movement_ops();      ///< Concat, Split, Slice, Pad, Tile, ...
const std::vector<OpDef>& index_ops();         ///< Gather, Scatter, OneHot
const std::vector<OpDef>& matmul_ops();        ///< MatMul, Gemm, MatMulInteger, Det
const std::vector<OpDef>& einsum_ops();        ///< Einsum
const std::vector<OpDef>& quantization_ops();  ///< QuantizeLinear, DequantizeLinear, ...
const std::vector<OpDef>& attention_ops();     ///< Attention, RotaryEmbedding
const std::vector<OpDef>& host_ops();      ///< TopK, NonZero, Compress, Unique, NonMaxSuppression
const std::vector<OpDef>& sequence_ops();  ///< SequenceXxx, OptionalXxx
const std::vector<OpDef>& signal_ops();    ///< windows, DFT, STFT, MelWeightMatrix
const std::vector<OpDef>& random_ops();    ///< RandomXxx, Bernoulli, Multinomial
const std::vector<OpDef>& flex_attention_ops();       ///< FlexAttention
const std::vector<OpDef>& sequence_map_ops();         ///< SequenceMap
const std::vector<OpDef>& linear_attention_ops();     ///< LinearAttention, CausalConvWithState
const std::vector<OpDef>& optimizer_ops();            ///< ai.onnx.preview.training
const std::vector<OpDef>& ml_feature_ops();           ///< ai.onnx.ml: Scaler, Imputer, ...
const std::vector<OpDef>& ml_label_ops();             ///< ai.onnx.ml: LabelEncoder, ZipMap, ...
const std::vector<OpDef>& ml_linear_ops();            ///< ai.onnx.ml: LinearXxx, SVMXxx
const std::vector<OpDef>& ml_tree_ops();              ///< ai.onnx.ml: TreeEnsembleXxx
const std::vector<OpDef>& contrib_fused_ops();        ///< com.microsoft: FusedConv, BiasGelu, ...
const std::vector<OpDef>& contrib_group_query_ops();  ///< com.microsoft.GroupQueryAttention
const std::vector<OpDef>& contrib_attention_ops();    ///< com.microsoft: Attention and its kin
const std::vector<OpDef>& contrib_quantized_ops();  ///< com.microsoft: QLinearXxx, MatMulNBits, ...
const std::vector<OpDef>& image_file_ops();         ///< ImageDecoder
const std::vector<OpDef>& string_ops();             ///< StringXxx, RegexFullMatch, TfIdfVectorizer

}  // namespace dlc
