// Which operands outputs may overwrite: see in_place.h.
#include "compiler/lower/in_place.h"

#include <algorithm>
#include <optional>

#include "runtime/layout.h"

namespace dlc {
namespace {

bool fits(const Type& operand, const Type& output) {
  return bits(operand.dtype) == bits(output.dtype) && bits(output.dtype) >= 8 &&
         product(operand.shape) == product(output.shape);
}

/// Calls `look` for each load of the operand.
void visit_loads(const Expr& body, int operand, const std::function<void(const Expr&)>& look) {
  visit(body, [&](const Expr& e) {
    if (e->kind == ExprKind::load && e->input == operand) look(e);
  });
}

/// Outer points of a staged kernel, one after the other: where one reads and writes.
class PointAccess {
 public:
  PointAccess(const StagedKernel& kernel, const SweepPlan& plan) : kernel_(kernel), plan_(plan) {}

  /// Finds the sweep that writes the output. It must write whole stretches, one for each point.
  bool find_writer(int output) {
    for (size_t k = 0; k < plan_.sweeps.size(); ++k) {
      const Sweep& sweep = plan_.sweeps[k];
      for (const Sweep::Row& row : sweep.rows) {
        if (kernel_.stages[row.stage].output != output || !row.offset) continue;
        written_at_ = time_of_sweep(k);
        position_ = without_units(linear(*row.offset));
        stretch_ = split(position_, extents_in(sweep.axes, row.body));
        for (const Axis& axis : sweep.axes) count_ = count_ * axis.extent;
        return stretch_ && stretch_->greatest_inner + Dim(1) == count_;
      }
    }
    return false;
  }

  bool allows(int operand) const {
    bool read = false, allowed = true;
    const auto look = [&](const Expr& body, const std::vector<Axis>& axes, size_t time) {
      visit_loads(body, operand, [&](const Expr& e) {
        const Linear offset = without_units(load_offset(e.node(), kernel_.operands[operand].shape));
        read = true;
        allowed = allowed && (time == written_at_ ? equal(offset, position_)
                                                  : time < written_at_ &&
                                                        in_stretch(offset, extents_in(axes, body)));
      });
    };
    for (size_t k = 0; k < plan_.sweeps.size(); ++k) {
      const Sweep& sweep = plan_.sweeps[k];
      for (const Sweep::Row& row : sweep.rows) look(row.body, sweep.axes, time_of_sweep(k));
      for (const Sweep::Sum& sum : sweep.sums) look(sum.body, sweep.axes, time_of_sweep(k));
    }
    for (const SweepPlan::Scalar& scalar : plan_.scalars) look(scalar.body, {}, 2 * scalar.after);
    return read && allowed;
  }

 private:
  using Extents = std::map<Variable, Dim>;
  /// An offset as a part that depends on the outer point only, and the rest, which is >= 0.
  struct Split {
    Linear outer;
    Dim greatest_inner = 0;
  };

  /// Single values are made between sweeps.
  static size_t time_of_sweep(size_t k) { return 2 * k + 1; }

  /// Of a sweep's axes, and of those that reductions in the body go along.
  static Extents extents_in(const std::vector<Axis>& axes, const Expr& body) {
    Extents extents;
    for (const Axis& axis : axes) extents[axis.variable] = axis.extent;
    visit(body, [&](const Expr& e) {
      for (const Axis& axis : e->axes) extents[axis.variable] = axis.extent;
    });
    return extents;
  }

  const Axis* outer_axis(const Expr& atom) const {
    if (atom->kind != ExprKind::variable) return nullptr;
    const auto found =
        std::find_if(kernel_.outer.begin(), kernel_.outer.end(),
                     [&](const Axis& axis) { return axis.variable == atom->variable; });
    return found == kernel_.outer.end() ? nullptr : &*found;
  }

  /// Indices along axes of length one are 0, whether they say so or not.
  Linear without_units(Linear sum) const {
    std::erase_if(sum.terms, [&](const Linear::Term& term) {
      const Axis* axis = outer_axis(term.atom);
      return axis != nullptr && axis->extent == Dim(1);
    });
    return sum;
  }

  std::optional<Split> split(const Linear& sum, const Extents& inner) const {
    Split result{{sum.constant, {}}, 0};
    for (const Linear::Term& term : sum.terms) {
      if (outer_axis(term.atom) != nullptr) {
        result.outer.terms.push_back(term);
        continue;
      }
      if (term.atom->kind != ExprKind::variable) return {};
      const auto extent = inner.find(term.atom->variable);
      if (extent == inner.end() || !term.coefficient.is_non_negative()) return {};
      result.greatest_inner = result.greatest_inner + term.coefficient * (extent->second - Dim(1));
    }
    return result;
  }

  bool in_stretch(const Linear& offset, const Extents& inner) const {
    const std::optional<Split> own = split(offset, inner);
    return own && equal(own->outer, stretch_->outer) &&
           (count_ - Dim(1) - own->greatest_inner).is_non_negative();
  }

  const StagedKernel& kernel_;
  const SweepPlan& plan_;
  size_t written_at_ = 0;
  Linear position_;               ///< of the element that is written
  std::optional<Split> stretch_;  ///< its parts
  Dim count_ = 1;                 ///< elements that a point writes
};

}  // namespace

std::vector<int> read_where_written(std::span<const Expr> bodies, const Linear& position,
                                    std::span<const Type> operands, const Type& output) {
  std::vector<int> result;
  for (int operand = 0; operand < static_cast<int>(operands.size()); ++operand) {
    if (!fits(operands[operand], output)) continue;
    bool read = false, allowed = true;
    for (const Expr& body : bodies)
      visit_loads(body, operand, [&](const Expr& e) {
        read = true;
        allowed = allowed && equal(load_offset(e.node(), operands[operand].shape), position);
      });
    if (read && allowed) result.push_back(operand);
  }
  return result;
}

std::vector<int> read_where_written(const StagedKernel& kernel, const SweepPlan& plan, int output) {
  PointAccess access(kernel, plan);
  if (!access.find_writer(output)) return {};
  std::vector<int> result;
  for (int operand = 0; operand < static_cast<int>(kernel.operands.size()); ++operand)
    if (fits(kernel.operands[operand], kernel.outputs[output]) && access.allows(operand))
      result.push_back(operand);
  return result;
}

namespace {

/// Lifetimes of slots, while outputs are given the memory of operands.
class Sharing {
 public:
  explicit Sharing(Program& program) : program_(program), last_(Layout(program).last) {}

  void add(int step, const std::vector<InPlace>& choices) {
    const std::vector<int>& buffers = std::get<KernelStep>(program_.steps[step]).buffers;
    for (const InPlace& choice : choices) {
      const int operand = buffers[choice.operand], output = buffers[choice.output];
      if (program_.slots[output].storage != Storage::arena || !is_free(operand, step, buffers) ||
          epoch(operand) != epoch(output))
        continue;
      const int root = root_of(operand);
      last_[root] = std::max(last_[root], last_[output]);
      program_.slots[output].storage = Storage::alias;
      program_.slots[output].index = operand;
    }
  }

 private:
  int root_of(int slot) const {
    while (program_.slots[slot].storage == Storage::alias) slot = program_.slots[slot].index;
    return slot;
  }

  /// Whether nothing reads its memory but this step, through this buffer.
  bool is_free(int slot, int step, const std::vector<int>& buffers) const {
    const int root = root_of(slot);
    return program_.slots[root].storage == Storage::arena && last_[root] == step &&
           std::count_if(buffers.begin(), buffers.end(),
                         [&](int other) { return root_of(other) == root; }) == 1;
  }

  /// When its size is known. A program's output takes part in its root's memory only if both are
  /// known at once.
  int epoch(int slot) const { return epoch_of(program_, program_.slots[slot].shape); }

  Program& program_;
  std::vector<int> last_;  ///< of each root: the last step that needs it
};

}  // namespace

void write_in_place(Program& program, const std::map<int, std::vector<InPlace>>& choices) {
  if (choices.empty()) return;
  Sharing sharing(program);
  for (const auto& [step, pairs] : choices) sharing.add(step, pairs);
}

}  // namespace dlc
