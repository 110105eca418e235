// One step of an RNN, GRU or LSTM as a graph of simple ops.
// Used by rnn.cpp, which puts it into a Scan over time.
#pragma once

#include <functional>

#include "compiler/ops/builder.h"

namespace dlc {

/// An activation function of a cell with its parameters.
struct Activation {
  std::string name;
  double alpha = 0, beta = 0;
};

/// What a cell needs to know of its node and direction. Values are of the graph around the Scan.
struct CellParameters {
  int64_t hidden = 0;
  std::vector<Activation> activations;
  std::optional<double> clip;
  bool linear_before_reset = false;  ///< GRU
  bool input_forget = false;         ///< LSTM
  Value recurrence;                  ///< R of the direction: [gates * hidden, hidden]
  Value recurrence_bias;             ///< GRU with linear_before_reset: [3 * hidden]
  Value peepholes;                   ///< LSTM: [3 * hidden], or absent
};

/// Builds a step with `build`, which may add to the body of a Scan; `inner` gives what stands there
/// for a value from outside.
struct CellStep {
  Builder& build;
  std::function<Value(Value)> inner;
};

/// `projected`: [batch, gates * hidden], the input times W with its biases. `states`: h, for LSTM
/// also c. Gives the new states.
using CellFunction = std::vector<Value> (*)(const CellParameters& cell, const CellStep& step,
                                            const std::vector<Value>& states, Value projected);

std::vector<Value> rnn_cell(const CellParameters& cell, const CellStep& step,
                            const std::vector<Value>& states, Value projected);
std::vector<Value> gru_cell(const CellParameters& cell, const CellStep& step,
                            const std::vector<Value>& states, Value projected);
std::vector<Value> lstm_cell(const CellParameters& cell, const CellStep& step,
                             const std::vector<Value>& states, Value projected);

/// The named functions for one direction. `alpha` and `beta` hold parameters only for functions
/// that have them, in order; what they give is taken off their front.
std::vector<Activation> make_activations(std::span<const std::string> names, Reals& alpha,
                                         Reals& beta);

/// `count` rows from `begin` on: of a constant as a constant that shares its memory.
Value rows(Builder& build, Value value, int64_t begin, int64_t count);
/// Entry `at` along the first axis, which goes away: likewise.
Value entry(Builder& build, Value value, int64_t at);

}  // namespace dlc
