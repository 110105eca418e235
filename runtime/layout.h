// Layout: what follows from a program alone, before any shape is known: lifetimes, aliases, epochs.
// Next: runtime/epoch_plan.h.
#pragma once

#include <functional>
#include <vector>

#include "runtime/program.h"

namespace dlc {

/// Calls `visit` for each slot that a step reads or writes (absent ones, -1, too).
void visit_slots(const Step& step, const std::function<void(int)>& visit);

/// When all of these dims are known.
int epoch_of(const Program& program, const std::vector<int>& dims);

/// Facts about a program that hold for all shapes.
struct Layout {
  explicit Layout(const Program& program);

  /// A program output whose memory may stand for an arena slot, so that nothing is copied at the
  /// end. `slot` is the output's, `root` the arena slot that it is, or is an alias of.
  struct InPlace {
    int output, slot, root;
  };
  /// What becomes known when the symbols of an epoch are bound.
  struct Epoch {
    std::vector<int> dims;   ///< indices into Program::dims
    std::vector<int> arena;  ///< slots of storage arena
    std::vector<InPlace> in_place;
    std::vector<int> scratch;  ///< dims: scratch sizes of kernels
    std::vector<int> checks;   ///< indices into Program::checks
  };

  std::vector<int> root;                   ///< of each slot: where its aliases end; itself if none
  std::vector<std::vector<int>> aliases;   ///< of each root: the slots that show its memory
  std::vector<int> first, last;            ///< of each root: the steps that need it
  std::vector<std::vector<int>> releases;  ///< of each step: host slots that it is the last to need
  std::vector<Epoch> epochs;
  int most_buffers = 0, most_params = 0, most_inputs = 0, most_outputs = 0;  ///< of any step

 private:
  void find_roots(const Program& program);
  void find_lifetimes(const Program& program);
  void find_releases(const Program& program);
  void find_epochs(const Program& program);
};

}  // namespace dlc
