// Rows of signal processing: windows, Fourier transforms, mel filters.
// Fourier transforms run as a C++ function: runtime/host/fourier.h.
#include <cmath>
#include <numbers>

#include "compiler/ops/builder.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/scalar_rows.h"
#include "runtime/host/fourier.h"

namespace dlc {
namespace {

using types::floats;

DType output_type(const OpArgs& args) {
  const DType type = args.element_type("output_datatype");
  if (!(one(type) & types::numbers))
    fail("output_datatype is {}, which is no type of numbers", name(type));
  return type;
}

/// The single element of a `known` input.
Dim known_scalar(const OpArgs& args, std::string_view input) {
  const Dims values = args.values(input);
  if (values.size() != 1) fail("input {} must be one number", input);
  return values[0];
}

Expr as_f64(const Expr& x) { return cast(DType::f64, x); }
Expr cosine(const Expr& x) { return unary(UnaryOp::cos, x); }

/// A sum of cosines of the angle 2 pi n / N, where N is the size, or size - 1 if symmetric.
Computed window(const ComputeArgs& args, double constant_term, double first, double second) {
  const DType type = output_type(args);
  const Dim size = known_scalar(args, "size");
  const Dim period = args.integer("periodic") != 0 ? size : size - 1;
  return tensor({size}, [&](const Indices& i) {
    const Expr whole = as_f64(dim(period));
    const Expr angle = as_f64(i[0]) * (2 * std::numbers::pi) / whole;
    const Expr value = constant_term + first * cosine(angle) + second * cosine(angle * 2.0);
    // A symmetric window of one element has no period.
    return cast(type, select(whole > 0.0, value, constant(DType::f64, 1)));
  });
}

Computed hann(const ComputeArgs& args) { return window(args, 0.5, -0.5, 0); }
Computed hamming(const ComputeArgs& args) { return window(args, 25.0 / 46, -21.0 / 46, 0); }
Computed blackman(const ComputeArgs& args) { return window(args, 0.42, -0.5, 0.08); }

OpDef window_row(std::string_view name, std::string_view doc, std::string_view source,
                 ComputeFunction compute) {
  return {.name = name,
          .doc = doc,
          .source = source,
          .inputs = {{"size", types::indices, Presence::required, true}},
          .attrs = {{"output_datatype", 1}, {"periodic", 1}},
          .compute = compute,
          .final_type = true,
          .samples = {"size: i64[]{10}", "size: i32[]{7}, periodic=0",
                      "size: i64[]{5}, output_datatype=11", "size: i64[]{1}, periodic=0",
                      "size: i64[]{0}"}};
}

/// One row of filters for each place of a one-sided spectrum: triangles between neighbours among
/// num_mel_bins + 2 frequencies at equal distances on the mel scale, in places of the spectrum.
Computed mel_weights(const ComputeArgs& args) {
  const DType type = output_type(args);
  const Dim bins = known_scalar(args, "num_mel_bins"), length = known_scalar(args, "dft_length");
  const auto input = [&](std::string_view name) { return as_f64(args[name].raw_flat(index(0))); };
  const double to_mel = 2595 / std::numbers::ln10;
  const auto mel = [&](const Expr& hertz) {
    return to_mel * unary(UnaryOp::log, 1.0 + hertz / 700.0);
  };
  return tensor({floor_div(length, 2) + 1, bins}, [&](const Indices& i) {
    const Expr low = mel(input("lower_edge_hertz")), high = mel(input("upper_edge_hertz"));
    const Expr step = (high - low) / as_f64(dim(bins + 2));
    const auto edge = [&](const Expr& k) {
      const Expr hertz = 700.0 * (exp((as_f64(k) * step + low) / to_mel) - 1.0);
      return floor(as_f64(dim(length + 1)) * hertz / input("sample_rate"));
    };
    const Expr place = as_f64(i[0]);
    const Expr lower = edge(i[1]), center = edge(i[1] + index(1)), upper = edge(i[1] + index(2));
    const Expr zero = constant(DType::f64, 0), unit = constant(DType::f64, 1);
    const Expr rising =
        select(equal(center, lower), select(equal(place, center), unit, zero),
               select(lower <= place && place <= center, (place - lower) / (center - lower), zero));
    return cast(
        type, select(center <= place && place < upper, (upper - place) / (upper - center), rising));
  });
}

std::vector<Type> infer_dft(const OpArgs& args) {
  const Dims& x = args.shape("input");
  if (x.size() < 2) fail("the input has rank {}, but must have at least 2", x.size());
  if (x.back().is_number() && (x.back().number() < 1 || x.back().number() > 2))
    fail("the last axis of the input has size {}, but must have 1 or 2", x.back().number());
  const Ints given = args.ints("axis");
  if (given.size() > 1) fail("axis must be one number");
  const auto rank = static_cast<int64_t>(x.size());
  const int64_t axis = OpArgs::normalize_axis(given.empty() ? -2 : given[0], rank);
  if (axis == rank - 1) fail("axis {} is no axis of the signal", axis);
  const bool inverse = args.integer("inverse") != 0, onesided = args.integer("onesided") != 0;
  Dim length = onesided && inverse ? 2 * (x[axis] - 1) : x[axis];
  if (args.has("dft_length")) {
    const std::optional<Dims> known = args.values_if_known("dft_length");
    length = known && known->size() == 1 ? (*known)[0] : fresh_dim(args, "dft");
  }
  Dims shape = x;
  shape[axis] = length;
  if (onesided && !inverse) shape[axis] = length == Dim(0) ? Dim(0) : floor_div(length, 2) + 1;
  shape.back() = onesided && inverse ? 1 : 2;
  return {Type::tensor(args.dtype("input"), std::move(shape))};
}

/// frames[b, f, n, c] = signal[b, f * step + n, c] * window[n]
Computed frames(const ComputeArgs& args) {
  require_one_type(args);
  args.expect_rank("signal", 3);
  const Dims& signal = args.shape("signal");
  const int64_t step = args.integer("step"), length = args.integer("length");
  if (step < 1 || length < 1) fail("frames of {} samples every {} are not possible", length, step);
  if (args.has("window")) {
    args.expect_rank("window", 1);
    common_dim(args, args.shape("window")[0], length, "the window");
  }
  const Dim count = at_least(floor_div(signal[1] - length, step) + 1, 0);
  return tensor({signal[0], count, length, signal[2]}, [&](const Indices& i) {
    const Expr sample = args["signal"]({i[0], i[1] * index(step) + i[2], i[3]});
    return args.has("window") ? sample * args["window"]({i[2]}) : sample;
  });
}

std::vector<Value> expand_stft(const OpArgs& args, Builder& build, std::span<const Value> inputs) {
  args.expect_rank("signal", 3);
  const Ints step = args.ints("frame_step"), given = args.ints("frame_length");
  const bool has_window = args.has("window");
  if (has_window) args.expect_rank("window", 1);
  const Dim by_inputs = has_window ? args.shape("window")[0] : args.shape("signal")[1];
  if (given.empty() && !by_inputs.is_number())
    fail_as(ErrorCode::unsupported, "the length of a frame must be known");
  const int64_t length = given.empty() ? by_inputs.number() : given.at(0);
  if (step.size() != 1) fail("frame_step must be one number");
  const Value cut = build("dlc.Frames", {inputs[0], has_window ? inputs[2] : Value()},
                          {{"step", step[0]}, {"length", length}});
  const Value axis = build.constant(Tensor::scalar(DType::i64, 2));
  return {build("DFT", {cut, Value(), axis}, {{"onesided", args.integer("onesided")}})};
}

}  // namespace

const std::vector<OpDef>& signal_ops() {
  static const std::vector<OpDef> rows = {
      window_row("HannWindow", "0.5 - 0.5 * cos(2 pi n / N).", "ONNX HannWindow-17", hann),
      window_row("HammingWindow", "25/46 - 21/46 * cos(2 pi n / N).", "ONNX HammingWindow-17",
                 hamming),
      window_row("BlackmanWindow", "0.42 - 0.5 * cos(2 pi n / N) + 0.08 * cos(4 pi n / N).",
                 "ONNX BlackmanWindow-17", blackman),
      {.name = "MelWeightMatrix",
       .doc = "Triangular filters, at equal distances on the mel scale, for the places of a "
              "one-sided spectrum.",
       .source = "ONNX MelWeightMatrix-17",
       .inputs = {{"num_mel_bins", types::indices, Presence::required, true},
                  {"dft_length", types::indices, Presence::required, true},
                  {"sample_rate", types::indices},
                  {"lower_edge_hertz", floats},
                  {"upper_edge_hertz", floats}},
       .attrs = {{"output_datatype", 1}},
       .compute = mel_weights,
       .final_type = true,
       .samples = {"num_mel_bins: i64[]{8}, dft_length: i64[]{16}, sample_rate: i64[]{8192}, "
                   "lower_edge_hertz: f32[]{0}, upper_edge_hertz: f32[]{4096}",
                   "num_mel_bins: i64[]{0}, dft_length: i64[]{4}, sample_rate: i64[]{100}, "
                   "lower_edge_hertz: f32[]{0}, upper_edge_hertz: f32[]{50}, output_datatype=11"}},
      {.name = "DFT",
       .doc =
           "The discrete Fourier transform along `axis` of real numbers (last axis 1) or complex "
           "ones (2), cut or padded to dft_length. onesided: half of the spectrum of a real "
           "signal, or (inverse) the signal of such a half. In f64 within.",
       .source = "ONNX DFT-20",
       .inputs = {{"input", floats},
                  {"dft_length", types::indices, Presence::optional},
                  {"axis", types::indices, Presence::optional, true}},
       .attrs = {{"inverse", 0}, {"onesided", 0}},
       .host = host::dft,
       .infer = infer_dft,
       .samples = {"input: f32[2,8,1]", "input: f32[2,5,2], inverse=1",
                   "input: f32[3,2,7,1], axis: i64[]{0}, onesided=1, dft_length: i64[]{6}",
                   "input: f64[1,3,2], inverse=1, onesided=1", "input: f16[0,4,1]"}},
      {.name = "dlc.Frames",
       .doc = "Pieces of `length` samples every `step` samples of signal [batch, samples, parts], "
              "times a window.",
       .source = "ONNX STFT-17",
       .inputs = {{"signal", floats}, {"window", floats, Presence::optional}},
       .attrs = {{"step", required_attr}, {"length", required_attr}},
       .compute = frames,
       .samples = {"signal: f32[2,9,1], step=3, length=4",
                   "signal: f16[1,n,2], window: f16[2], step=1, length=2",
                   "signal: f32[1,2,1], step=1, length=3"}},
      {.name = "STFT",
       .doc = "The Fourier transform of each piece of a signal, frame_length samples times the "
              "window every frame_step samples.",
       .source = "ONNX STFT-17",
       .inputs = {{"signal", floats},
                  {"frame_step", types::indices, Presence::required, true},
                  {"window", floats, Presence::optional},
                  {"frame_length", types::indices, Presence::optional, true}},
       .attrs = {{"onesided", 1}},
       .expand = expand_stft,
       .samples = {"signal: f32[1,16,1], frame_step=4, window: f32[8]",
                   "signal: f32[2,10,2], frame_step=3, frame_length=[4], onesided=0"}},
  };
  return rows;
}

}  // namespace dlc
