// Decisions about loops, by strides and rough costs. The constants are from microbenchmarks on
// AVX2 machines; none of them is critical within a factor of two.
// Next: compiler/backends/llvm/loop_kernel.cpp.
#include "compiler/lower/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "compiler/lower/linear.h"

namespace dlc {
namespace {

constexpr double small_item = 4096;   ///< operations; below, several rows make one item
constexpr double chunk_cost = 32768;  ///< operations per item when a long row is cut

bool is_position(ReduceOp op) {
  return op >= ReduceOp::argmin_first && op <= ReduceOp::argmax_last;
}

/// Bits of the widest value computed; index arithmetic does not count.
int widest_bits(const Expr& e) {
  switch (e->kind) {
    case ExprKind::load:
      return bits(e.dtype());
    case ExprKind::variable:
    case ExprKind::dim:
    case ExprKind::constant:
      return 0;
    case ExprKind::reduce:
      return std::max(bits(e.dtype()), widest_bits(e->args[0]));
    default:
      break;
  }
  int widest = 0;
  for (const Expr& arg : e->args) widest = std::max(widest, widest_bits(arg));
  const bool is_index = e.dtype() == DType::i64 && widest == 0;
  return is_index ? 0 : std::max(widest, bits(e.dtype()));
}

/// About how many operations the expression takes, reductions not multiplied by their length.
double weight(const Expr& e) {
  double result = 0;
  visit(e, [&](const Expr& node) {
    if (node->kind == ExprKind::unary && node->unary >= UnaryOp::exp && node->unary <= UnaryOp::erf)
      result += 15;
    else if (node->kind == ExprKind::binary && node->binary == BinaryOp::power)
      result += 30;
    else if (node->kind != ExprKind::constant && node->kind != ExprKind::variable)
      result += 1;
  });
  return result;
}

/// The same with reductions multiplied out, per element of the innermost output loop.
Dim total_cost(const Expr& e) {
  Dim result = 0;
  visit(e, [&](const Expr& node) {
    if (node->kind == ExprKind::constant || node->kind == ExprKind::variable) return;
    Dim own = 1;
    if (node->kind == ExprKind::unary && node->unary >= UnaryOp::exp) own = 15;
    if (node->kind == ExprKind::reduce) {
      own = Dim(static_cast<int64_t>(weight(node->args[0])));
      for (const Axis& axis : node->axes) own = own * axis.extent;
    }
    result = result + own;
  });
  return result;
}

/// How loads move along a variable.
struct Strides {
  int unit = 0, fixed = 0, short_steps = 0, far = 0, irregular = 0;
  bool good() const { return far == 0 && irregular == 0; }
};

Strides strides_along(const Expr& e, Variable v, const std::vector<Dims>& shapes) {
  Strides result;
  FreeVariables free;
  visit(e, [&](const Expr& node) {
    if (node->kind != ExprKind::load || !free.depends(node, v)) {
      result.fixed += node->kind == ExprKind::load ? 1 : 0;
      return;
    }
    const Linear offset = load_offset(node.node(), shapes[node->input]);
    for (const Linear::Term& term : offset.terms) {
      if (term.atom->kind != ExprKind::variable && free.depends(term.atom, v)) {
        ++result.irregular;
        return;
      }
    }
    const std::optional<int64_t> stride = offset.coefficient(v).as_number();
    if (stride == 1)
      ++result.unit;
    else if (stride == 2 || stride == -1)
      ++result.short_steps;
    else
      ++result.far;
  });
  return result;
}

/// How many vectors to take at a time, to hide latencies: many for short work, where loops show.
int vectors_at_once(double work, bool irregular) {
  if (irregular) return 1;
  return work > 16 ? 2 : 4;
}

/// A reduction inside `body` that would rather run along its own axis than by lanes of v.
bool prefers_own_axis(const Expr& body, Variable v, const std::vector<Dims>& shapes) {
  bool result = false;
  FreeVariables free;
  visit(body, [&](const Expr& e) {
    if (e->kind != ExprKind::reduce || is_position(e->reduce) || !free.depends(e, v)) return;
    if (strides_along(e->args[0], v, shapes).good()) return;
    for (const Axis& axis : e->axes) {
      const Strides own = strides_along(e->args[0], axis.variable, shapes);
      const std::optional<int64_t> extent = axis.extent.as_number();
      if (own.good() && own.unit > 0 && (!extent || *extent >= 8)) result = true;
    }
  });
  return result;
}

std::vector<Dims> shapes_of(const LoopKernel& kernel) {
  std::vector<Dims> shapes;
  for (const Type& type : kernel.operands) shapes.push_back(type.shape);
  return shapes;
}

class Scheduler {
 public:
  Scheduler(const LoopKernel& kernel, const LoopNest& nest, int vector_bits)
      : nest_(nest), shapes_(shapes_of(kernel)), vector_bits_(vector_bits) {}

  LoopSchedule run() {
    s_.outer = nest_.axes;
    for (const Expr& body : nest_.bodies) {
      cost_ = cost_ + total_cost(body);
      weight_ += weight(body);
    }
    Dim row_cost = cost_;
    if (!s_.outer.empty()) {
      s_.inner = s_.outer.back();
      s_.outer.pop_back();
      choose_vector();
      row_cost = choose_across() ? cost_ * s_.inner->extent * Dim(s_.across_rows) : choose_chunk();
    }
    s_.item_cost = gather_rows(row_cost);
    Dim points = 1;
    for (const Axis& axis : s_.outer) points = points * axis.extent;
    s_.items = points * chunks_;
    describe();
    return s_;
  }

 private:
  void choose_vector() {
    int widest = 8;
    bool irregular = false, reduces_alone = false;
    for (const Expr& body : nest_.bodies) {
      const Variable v = s_.inner->variable;
      widest = std::max({widest, bits(body.dtype()), widest_bits(body)});
      irregular = irregular || !strides_along(body, v, shapes_).good();
      reduces_alone = reduces_alone || prefers_own_axis(body, v, shapes_);
    }
    if (reduces_alone) return;
    s_.lanes = choose_lanes(s_.inner->extent, std::max(2, vector_bits_ / widest),
                            vectors_at_once(weight_, irregular));
  }

  /// An axis along which loads are contiguous that jump with the inner one.
  bool choose_across() {
    const std::optional<int64_t> extent = s_.inner->extent.as_number();
    if (s_.lanes == 1 || !extent || *extent < transposed_tile) return false;
    for (const Expr& body : nest_.bodies)
      if (has_reduction(body) || has_choice(body)) return false;
    for (size_t k = 0; k < s_.outer.size(); ++k) {
      const Axis axis = s_.outer[k];
      const std::optional<int64_t> rows = axis.extent.as_number();
      if (!rows || *rows < transposed_tile) continue;
      if (transposed_loads(nest_.bodies, s_.inner->variable, axis.variable, shapes_).empty())
        continue;
      s_.across = axis;
      s_.across_rows = *rows >= 4 * transposed_tile ? 2 * transposed_tile : transposed_tile;
      s_.lanes = transposed_tile;
      s_.outer.erase(s_.outer.begin() + static_cast<std::ptrdiff_t>(k));
      chunks_ = *rows / s_.across_rows;
      return true;
    }
    return false;
  }

  static bool has_choice(const Expr& body) {
    bool found = false;
    visit(body, [&](const Expr& e) { found = found || e->kind == ExprKind::select; });
    return found;
  }

  /// Whether something is computed once for a whole row: then rows stay in one piece.
  bool has_row_work() {
    FreeVariables free;
    bool found = false;
    for (const Expr& body : nest_.bodies) {
      visit(body, [&](const Expr& e) {
        found = found || (e->kind == ExprKind::reduce && !free.depends(e, s_.inner->variable));
      });
    }
    return found;
  }

  /// Cuts long rows. Gives the cost of an item.
  Dim choose_chunk() {
    const Dim row = s_.inner->extent * cost_;
    if (has_row_work()) return row_cost_once();
    const std::optional<int64_t> cost = cost_.as_number();
    const double per_element = cost ? static_cast<double>(std::max<int64_t>(1, *cost)) : 1000;
    int64_t chunk = static_cast<int64_t>(chunk_cost / per_element);
    const int64_t unit = std::max(16, s_.lanes);
    chunk = std::max<int64_t>(2, chunk / unit) * unit;
    const std::optional<int64_t> extent = s_.inner->extent.as_number();
    if (extent && *extent < 2 * chunk) return row;
    s_.chunk = chunk;
    chunks_ =
        extent ? Dim(*extent / chunk) : maximum(Dim(1), floor_div(s_.inner->extent, Dim(chunk)));
    return cost_ * Dim(chunk);
  }

  /// A row whose reductions run once: their cost, and the rest for each element.
  Dim row_cost_once() {
    FreeVariables free;
    Dim once = 0, each = 0;
    for (const Expr& body : nest_.bodies) {
      visit(body, [&](const Expr& e) {
        if (e->kind == ExprKind::reduce && !free.depends(e, s_.inner->variable)) {
          Dim own = Dim(static_cast<int64_t>(weight(e->args[0])));
          for (const Axis& axis : e->axes) own = own * axis.extent;
          once = once + own;
        }
      });
      each = each + Dim(static_cast<int64_t>(weight(body)));
    }
    return once + each * s_.inner->extent;
  }

  /// Cheap rows are taken several at a time, so that finding the place of an item costs little.
  Dim gather_rows(Dim cost) {
    while (!s_.outer.empty() && s_.chunk == 0 && !s_.across) {
      const std::optional<int64_t> now = cost.as_number();
      const std::optional<int64_t> more = (cost * s_.outer.back().extent).as_number();
      if (!now || !more || static_cast<double>(*now) >= small_item / 4 ||
          static_cast<double>(*more) > 16 * small_item)
        break;
      cost = cost * s_.outer.back().extent;
      s_.middle.insert(s_.middle.begin(), s_.outer.back());
      s_.outer.pop_back();
    }
    return cost;
  }

  void describe() {
    std::string parallel, indent = "  ";
    for (const Axis& axis : s_.outer)
      parallel += (parallel.empty() ? "" : " x ") + axis.extent.to_string();
    if (s_.chunk > 0) {
      if (!parallel.empty()) parallel += " x ";
      parallel += fmt::format("{} of {}", chunks_.to_string(), s_.chunk);
    }
    if (s_.across) {
      if (!parallel.empty()) parallel += " x ";
      parallel += fmt::format("{} of {}", chunks_.to_string(), s_.across_rows);
    }
    s_.summary = parallel.empty() ? "one item" : "parallel " + parallel;
    s_.text = parallel.empty() ? "one item\n" : fmt::format("parallel {}\n", parallel);
    for (const Axis& axis : s_.middle) {
      s_.text += fmt::format("{}for {}\n", indent, axis.extent.to_string());
      indent += "  ";
    }
    if (s_.inner) {
      const std::string extent =
          s_.chunk > 0 ? std::to_string(s_.chunk) : s_.inner->extent.to_string();
      if (s_.across) {
        s_.text += fmt::format("{}for {} by transposed tiles\n", indent, s_.across_rows);
        indent += "  ";
      }
      const std::string kind = s_.lanes > 1 ? fmt::format("vector x{} ", s_.lanes) : "serial ";
      s_.summary += "; " + kind + extent;
      s_.text += fmt::format("{}{}{}\n", indent, kind, extent);
      indent += "  ";
    }
    for (size_t i = 0; i < nest_.bodies.size(); ++i)
      s_.text += fmt::format("{}out{} = {}\n", indent, i, to_string(nest_.bodies[i]));
  }

  const LoopNest& nest_;
  std::vector<Dims> shapes_;
  int vector_bits_;
  LoopSchedule s_;
  Dim cost_ = 0, chunks_ = 1;
  double weight_ = 0;
};

}  // namespace

std::vector<Expr> transposed_loads(const std::vector<Expr>& bodies, Variable v, Variable across,
                                   const std::vector<Dims>& shapes) {
  std::vector<Expr> result;
  FreeVariables free;
  for (const Expr& body : bodies) {
    visit(body, [&](const Expr& e) {
      if (e->kind != ExprKind::load || !free.depends(e, v)) return;
      const bool known = std::any_of(result.begin(), result.end(), [&](const Expr& other) {
        return other.identity() == e.identity();
      });
      if (known) return;
      const Linear offset = load_offset(e.node(), shapes[e->input]);
      for (const Linear::Term& term : offset.terms)
        if (term.atom->kind != ExprKind::variable &&
            (free.depends(term.atom, v) || free.depends(term.atom, across)))
          return;
      const std::optional<int64_t> step = offset.coefficient(v).as_number();
      const bool is_far = !step || std::abs(*step) > 2;
      if (is_far && offset.coefficient(across) == Dim(1)) result.push_back(e);
    });
  }
  return result;
}

// Counts half an operation of overhead for each vector, and that the last one overlaps.
int choose_lanes(const Dim& extent, int native, int most) {
  const std::optional<int64_t> n = extent.as_number();
  if (!n) {
    for (int lanes = native * most; lanes > native; lanes /= 2)
      if (modulo(extent, Dim(lanes)) == Dim(0)) return lanes;
    return native;
  }
  int best = 1;
  double least = 1.5 * static_cast<double>(*n);
  for (int lanes = native * most; lanes > 1; lanes /= 2) {
    if (lanes > *n) continue;
    const double vectors = static_cast<double>((*n + lanes - 1) / lanes);
    const double time = vectors * (std::max(1.0, static_cast<double>(lanes) / native) + 0.5);
    if (time < least) {
      least = time;
      best = lanes;
    }
  }
  return best;
}

LoopSchedule make_schedule(const LoopKernel& kernel, const LoopNest& nest, int vector_bits) {
  return Scheduler(kernel, nest, vector_bits).run();
}

int row_lanes(const std::vector<Expr>& bodies, const Axis& axis, const std::vector<Dims>& shapes,
              int vector_bits) {
  int widest = 8;
  double work = 0;
  bool irregular = false;
  for (const Expr& body : bodies) {
    if (prefers_own_axis(body, axis.variable, shapes)) return 1;
    widest = std::max({widest, bits(body.dtype()), widest_bits(body)});
    work += weight(body);
    irregular = irregular || !strides_along(body, axis.variable, shapes).good();
  }
  return choose_lanes(axis.extent, std::max(2, vector_bits / widest),
                      vectors_at_once(work, irregular));
}

ReduceLanes choose_reduce_lanes(const Expr& reduction, const std::vector<Dims>& shapes,
                                int vector_bits) {
  ReduceLanes best;
  const Expr& body = reduction->args[0];
  const int native =
      std::max(2, vector_bits / std::max({8, bits(reduction.dtype()), widest_bits(body)}));
  for (size_t k = reduction->axes.size(); k-- > 0;) {
    const Axis& axis = reduction->axes[k];
    const Strides strides = strides_along(body, axis.variable, shapes);
    if (!strides.good()) continue;
    const int lanes =
        choose_lanes(axis.extent, native, vectors_at_once(weight(body), strides.unit == 0));
    if (lanes > best.lanes) best = {k, lanes};
  }
  return best;
}

}  // namespace dlc
