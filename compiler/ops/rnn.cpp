// Rows of RNN, GRU and LSTM: one product for the input of all time steps, then a Scan over time.
// Next: compiler/ops/rnn_cell.h (a step).
#include <algorithm>

#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/rnn_cell.h"

namespace dlc {
namespace {

struct CellKind {
  CellFunction function;
  int64_t gates;
  size_t states;
  Strings activations;  ///< of one direction, by default
};

/// Expands one node.
class Recurrence {
 public:
  Recurrence(const CellKind& kind, const OpArgs& args, Builder& build,
             std::span<const Value> inputs)
      : kind_(kind), args_(args), build_(build), inputs_(inputs.begin(), inputs.end()) {
    inputs_.resize(args.def().inputs.size());
    batch_major_ = args.integer("layout") == 1;
    args.expect_rank("X", 3);
    args.expect_rank("R", 3);
    if (!args.shape("R")[2].is_number())
      fail_as(ErrorCode::unsupported, "hidden_size must be known when the model is compiled");
    hidden_ = args.shape("R")[2].number();
    check_shapes();
    x_ = batch_major_ ? transposed(input("X"), {1, 0, 2}) : input("X");
    time_ = build.shape(x_)[0];
    batch_ = build.shape(x_)[1];
  }

  std::vector<Value> expand() {
    const std::string direction = args_.text("direction");
    const bool both = direction == "bidirectional";
    if (!both && direction != "forward" && direction != "reverse")
      fail("direction {} is not known", direction);
    const int64_t directions = both ? 2 : 1;
    const std::vector<Activation> activations = all_activations(directions);
    std::vector<Value> sequences;
    std::vector<std::vector<Value>> finals(kind_.states);
    for (int64_t d = 0; d < directions; ++d) {
      const size_t each = kind_.activations.size();
      CellParameters cell = parameters(d);
      const auto first = activations.begin() + static_cast<long>(d * each);
      cell.activations.assign(first, first + static_cast<long>(each));
      const std::vector<Value> results = run(cell, d, d == 1 || direction == "reverse");
      for (size_t k = 0; k < kind_.states; ++k) finals[k].push_back(along_new_axis(results[k], 0));
      sequences.push_back(along_new_axis(results.back(), 1));
    }
    std::vector<Value> outputs = {joined(sequences, 1)};
    if (batch_major_) outputs[0] = transposed(outputs[0], {2, 0, 1, 3});
    for (const auto& states : finals) {
      const Value all = joined(states, 0);
      outputs.push_back(batch_major_ ? transposed(all, {1, 0, 2}) : all);
    }
    return outputs;
  }

 private:
  void check_shapes() const {
    if (args_.has_attr("hidden_size") && args_.integer("hidden_size") != hidden_)
      fail("hidden_size is {}, but R has {}", args_.integer("hidden_size"), hidden_);
    const int64_t directions = args_.text("direction") == "bidirectional" ? 2 : 1;
    const int64_t rows = kind_.gates * hidden_;
    const Dims& x = args_.shape("X");
    const Dim& batch = x[batch_major_ ? 0 : 1];
    args_.expect_shape("W", {directions, rows, x[2]});
    args_.expect_shape("R", {directions, rows, hidden_});
    if (has("B")) args_.expect_shape("B", {directions, 2 * rows});
    if (has("sequence_lens")) args_.expect_shape("sequence_lens", {batch});
    const Dims state =
        batch_major_ ? Dims{batch, directions, hidden_} : Dims{directions, batch, hidden_};
    if (has("initial_h")) args_.expect_shape("initial_h", state);
    if (kind_.states < 2) return;
    if (has("initial_c")) args_.expect_shape("initial_c", state);
    if (has("P")) args_.expect_shape("P", {directions, 3 * hidden_});
  }

  Value input(std::string_view name) const { return inputs_[args_.position(name)]; }
  bool has(std::string_view name) const { return args_.has(name); }

  Value transposed(Value x, Ints perm) {
    return build_("Transpose", {x}, {{"perm", std::move(perm)}});
  }
  Value along_new_axis(Value x, int64_t axis) {
    return build_("Unsqueeze", {x, build_.ints({axis})});
  }
  Value joined(const std::vector<Value>& parts, int64_t axis) {
    return parts.size() == 1 ? parts[0] : build_("Concat", parts, {{"axis", axis}});
  }

  std::vector<Activation> all_activations(int64_t directions) const {
    Strings names = args_.strings("activations");
    if (names.empty()) {
      for (int64_t d = 0; d < directions; ++d)
        names.insert(names.end(), kind_.activations.begin(), kind_.activations.end());
    }
    if (names.size() != kind_.activations.size() * static_cast<size_t>(directions))
      fail("{} activations, but {} are needed", names.size(),
           kind_.activations.size() * directions);
    Reals alpha = args_.reals("activation_alpha"), beta = args_.reals("activation_beta");
    return make_activations(names, alpha, beta);
  }

  bool linear_before_reset() const {
    return kind_.gates == 3 && args_.integer("linear_before_reset") != 0;
  }

  CellParameters parameters(int64_t direction) {
    CellParameters cell{.hidden = hidden_};
    if (args_.has_attr("clip")) cell.clip = args_.real("clip");
    cell.linear_before_reset = linear_before_reset();
    cell.recurrence = entry(build_, input("R"), direction);
    if (cell.linear_before_reset && has("B")) cell.recurrence_bias = bias(direction, kind_.gates);
    if (kind_.states == 2) {
      cell.input_forget = args_.integer("input_forget") != 0;
      if (has("P")) cell.peepholes = entry(build_, input("P"), direction);
    }
    return cell;
  }

  /// Half of the biases: those of W begin at gate 0, those of R after them.
  Value bias(int64_t direction, int64_t first_gate) {
    const Value all = entry(build_, input("B"), direction);
    return rows(build_, all, first_gate * hidden_, kind_.gates * hidden_);
  }

  /// X W^T + biases of all time steps: [time, batch, gates * hidden].
  Value projected(int64_t direction) {
    const Value w = transposed(entry(build_, input("W"), direction), {1, 0});
    const Value product = build_("MatMul", {x_, w});
    if (!has("B")) return product;
    Value biases = bias(direction, 0);
    if (!linear_before_reset()) biases = build_("Add", {biases, bias(direction, kind_.gates)});
    return build_("Add", {product, biases});
  }

  /// [batch, hidden] of an optional initial state; zeros by default.
  Value initial(size_t state, int64_t direction) {
    const std::string_view name = state == 0 ? "initial_h" : "initial_c";
    if (!has(name)) {
      const double zero = 0;
      AttrMap attrs = {{"value", Tensor::of(build_.type(x_).dtype, {1}, {&zero, 1})}};
      return build_("ConstantOfShape", {build_.sizes({batch_, hidden_})}, attrs);
    }
    const Value all = batch_major_ ? transposed(input(name), {1, 0, 2}) : input(name);
    return entry(build_, all, direction);
  }

  /// The final states and then all h, [time, batch, hidden], of one direction.
  std::vector<Value> run(const CellParameters& cell, int64_t direction, bool reverse) {
    std::vector<Value> states;
    for (size_t k = 0; k < kind_.states; ++k) states.push_back(initial(k, direction));
    const Value lengths = has("sequence_lens")
                              ? build_("Cast", {input("sequence_lens")}, {{"to", int64_t{7}}})
                              : Value();
    const Value sequence = projected(direction);
    if (time_ == Dim(1)) return run_once(cell, states, sequence, lengths);
    Graph body("step");
    const int64_t backwards = reverse ? 1 : 0;
    Ints directions = {backwards};
    std::vector<Value> scanned = {sequence};
    if (lengths.valid()) {
      scanned.push_back(times());
      directions.push_back(backwards);
    }
    const std::vector<Value> captures = make_body(body, cell, states, sequence, lengths);
    std::vector<Value> all = states;
    all.insert(all.end(), scanned.begin(), scanned.end());
    all.insert(all.end(), captures.begin(), captures.end());
    AttrMap attrs = {{"body", std::make_shared<const Graph>(std::move(body))},
                     {"num_scan_inputs", static_cast<int64_t>(scanned.size())},
                     {"scan_input_directions", directions},
                     {"scan_output_directions", Ints{backwards}},
                     {"captures", static_cast<int64_t>(captures.size())}};
    return build_.node("Scan", all, attrs, kind_.states + 1);
  }

  /// A single time step needs no loop.
  std::vector<Value> run_once(const CellParameters& cell, const std::vector<Value>& states,
                              Value sequence, Value lengths) {
    const CellStep step{build_, [](Value value) { return value; }};
    const Value now = build_("Squeeze", {sequence, build_.ints({0})});
    const Value time = build_.scalar(DType::i64, 0);
    std::vector<Value> results = masked_step(cell, step, states, now, time, lengths);
    results.back() = along_new_axis(results.back(), 0);
    return results;
  }

  /// 0, 1, ... time - 1.
  Value times() {
    const Value limit = build_("Squeeze", {build_.sizes({time_}), build_.ints({0})});
    return build_("Range", {build_.scalar(DType::i64, 0), limit, build_.scalar(DType::i64, 1)});
  }

  /// The body of the Scan. Gives the values of the graph around it that it captures; constants are
  /// put into the body itself, so that what is made of them can be prepared at compile time.
  std::vector<Value> make_body(Graph& body, const CellParameters& cell,
                               const std::vector<Value>& states, Value sequence, Value lengths) {
    Builder inside(body);
    std::vector<Value> inner_states;
    for (Value state : states) inner_states.push_back(body.add_input(build_.type(state)));
    const Value now =
        body.add_input(Type::tensor(build_.type(sequence).dtype, {batch_, kind_.gates * hidden_}));
    const Value time = lengths.valid() ? body.add_input(Type::tensor(DType::i64, {})) : Value();
    std::vector<Value> captures;
    std::map<Value, Value> inner;
    const CellStep step{inside, [&](Value outer) {
                          const auto [found, fresh] = inner.try_emplace(outer);
                          if (!fresh) return found->second;
                          if (const Tensor* constant = build_.graph().constant(outer)) {
                            found->second = inside.constant(*constant);
                          } else {
                            found->second = body.add_input(build_.type(outer));
                            captures.push_back(outer);
                          }
                          return found->second;
                        }};
    const Value ends = lengths.valid() ? step.inner(lengths) : Value();
    body.set_outputs(masked_step(cell, step, inner_states, now, time, ends));
    return captures;
  }

  /// The new states and the slice of the sequence. Behind the end of its sequence, an entry of the
  /// batch keeps its states and gives zeros.
  std::vector<Value> masked_step(const CellParameters& cell, const CellStep& step,
                                 const std::vector<Value>& states, Value now, Value time,
                                 Value ends) {
    Builder& build = step.build;
    std::vector<Value> results = kind_.function(cell, step, states, now);
    if (!ends.valid()) {
      results.push_back(results[0]);
      return results;
    }
    const Value running = build("Unsqueeze", {build("Less", {time, ends}), build.ints({1})});
    const Value zero = build.scalar(build.type(now).dtype, 0);
    const Value slice = build("Where", {running, results[0], zero});
    for (size_t k = 0; k < results.size(); ++k)
      results[k] = build("Where", {running, results[k], states[k]});
    results.push_back(slice);
    return results;
  }

  const CellKind& kind_;
  const OpArgs& args_;
  Builder& build_;
  std::vector<Value> inputs_;
  bool batch_major_ = false;
  int64_t hidden_ = 0;
  Value x_;  ///< [time, batch, input]
  Dim time_, batch_;
};

std::vector<Value> expand_rnn(const OpArgs& args, Builder& build, std::span<const Value> inputs) {
  const CellKind kind = {rnn_cell, 1, 1, {"Tanh"}};
  return Recurrence(kind, args, build, inputs).expand();
}

std::vector<Value> expand_gru(const OpArgs& args, Builder& build, std::span<const Value> inputs) {
  const CellKind kind = {gru_cell, 3, 1, {"Sigmoid", "Tanh"}};
  return Recurrence(kind, args, build, inputs).expand();
}

std::vector<Value> expand_lstm(const OpArgs& args, Builder& build, std::span<const Value> inputs) {
  const CellKind kind = {lstm_cell, 4, 2, {"Sigmoid", "Tanh", "Tanh"}};
  return Recurrence(kind, args, build, inputs).expand();
}

std::vector<AttrSpec> recurrent_attrs(std::vector<AttrSpec> more) {
  std::vector<AttrSpec> attrs = {
      {"activation_alpha"},     {"activation_beta"}, {"activations"},       {"clip"},
      {"direction", "forward"}, {"hidden_size"},     {"layout", int64_t{0}}};
  attrs.insert(attrs.end(), more.begin(), more.end());
  return attrs;
}

std::vector<InputSpec> recurrent_inputs(std::vector<InputSpec> more) {
  std::vector<InputSpec> inputs = {{"X", types::floats},
                                   {"W", types::floats},
                                   {"R", types::floats},
                                   {"B", types::floats, Presence::optional},
                                   {"sequence_lens", types::indices, Presence::optional},
                                   {"initial_h", types::floats, Presence::optional}};
  inputs.insert(inputs.end(), more.begin(), more.end());
  return inputs;
}

}  // namespace

const std::vector<OpDef>& rnn_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "RNN",
       .doc = "h' = f(x W^T + h R^T + b) along time, forwards, backwards or both. Beyond the "
              "length of "
              "its sequence an entry of the batch keeps its state and gives zeros.",
       .source = "ONNX RNN-22",
       .inputs = recurrent_inputs({}),
       .outputs = {"Y", "Y_h"},
       .attrs = recurrent_attrs({}),
       .expand = expand_rnn,
       .samples = {"X: f32[3,2,4], W: f32[1,5,4], R: f32[1,5,5], B: f32[1,10], hidden_size=5",
                   "X: f16[t,1,2], W: f16[2,3,2], R: f16[2,3,3], hidden_size=3, "
                   "direction=\"bidirectional\"",
                   "X: f32[1,1,1], W: f32[1,1,1], R: f32[1,1,1], hidden_size=1"}},
      {.name = "GRU",
       .doc =
           "Gated recurrent unit: z, r = f(...), h' = (1 - z) * g(...) + z * h. Gates are in the "
           "order z, r, h.",
       .source = "ONNX GRU-22; Cho et al., arXiv 1406.1078",
       .inputs = recurrent_inputs({}),
       .outputs = {"Y", "Y_h"},
       .attrs = recurrent_attrs({{"linear_before_reset", int64_t{0}}}),
       .expand = expand_gru,
       .samples = {"X: f32[3,2,4], W: f32[1,15,4], R: f32[1,15,5], B: f32[1,30], hidden_size=5",
                   "X: f32[2,b,2], W: f32[1,9,2], R: f32[1,9,3], B: f32[1,18], hidden_size=3, "
                   "linear_before_reset=1, direction=\"reverse\"",
                   "X: f32[1,1,1], W: f32[1,3,1], R: f32[1,3,1], hidden_size=1"}},
      {.name = "LSTM",
       .doc = "Long short-term memory: i, o, f = f(...), c' = f * c + i * g(...), h' = o * h(c'). "
              "Gates "
              "are in the order i, o, f, c.",
       .source = "ONNX LSTM-22; Hochreiter and Schmidhuber, 1997",
       .inputs = recurrent_inputs({{"initial_c", types::floats, Presence::optional},
                                   {"P", types::floats, Presence::optional}}),
       .outputs = {"Y", "Y_h", "Y_c"},
       .attrs = recurrent_attrs({{"input_forget", int64_t{0}}}),
       .expand = expand_lstm,
       .samples = {"X: f32[3,2,4], W: f32[1,20,4], R: f32[1,20,5], B: f32[1,40], hidden_size=5",
                   "X: f32[t,2,2], W: f32[2,12,2], R: f32[2,12,3], hidden_size=3, "
                   "direction=\"bidirectional\"",
                   "X: f32[1,1,1], W: f32[1,4,1], R: f32[1,4,1], hidden_size=1"}},
  };
  return rows;
}

}  // namespace dlc
