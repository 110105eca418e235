// Symbols: the sizes of a run that its inputs and intermediate values determine.
// Next: runtime/frame.h.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/program.h"

namespace dlc {

/// The symbol values of one run of one program.
class Symbols {
 public:
  explicit Symbols(const Program& program);

  /// Starts a run: takes over the parent's symbols, checks the inputs and binds what their shapes
  /// say. Throws Error(invalid) that names the input and says what was expected and what is there.
  void bind_inputs(std::span<const Datum> inputs, std::span<const int64_t> parent);
  /// Binds `code` to `value` if it is an unbound symbol, else compares: gives the value that was
  /// expected if it is another.
  std::optional<int64_t> bind(const DimCode& code, int64_t value);
  std::optional<int64_t> bind_symbol(int symbol, int64_t value);
  /// Whether `code` is a symbol alone, without a value yet.
  bool is_unbound_symbol(const DimCode& code) const;
  std::span<const int64_t> values() const { return values_; }
  /// The value of the symbol of that name, if it is bound.
  std::optional<int64_t> find(std::string_view name) const;

 private:
  struct Check {
    enum class Kind : uint8_t { number, symbol, expression } kind;
    int input, axis;
    int64_t value;  ///< the number; the symbol; the index into dims
  };
  void check_type(std::span<const Datum> inputs, size_t input) const;
  bool check_dim(const Check& check, int64_t size);
  [[noreturn]] void report(size_t input, const Datum& got) const;

  const Program& program_;
  std::vector<Check> checks_;  ///< expressions come last, when all symbols are bound
  std::vector<bool> ranked_;   ///< of each input: its rank is known
  std::vector<int64_t> values_;
  std::vector<uint8_t> bound_;
};

}  // namespace dlc
