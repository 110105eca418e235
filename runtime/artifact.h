// Artifacts: a compiled program in a file, to be mapped and run without a compiler.
//
//   header (one page) | weights, on pages of their own | machine code | the program's description
//
// All parts have digests.
// Next: runtime/fields.h, compiler/driver/cache.h.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/program.h"

namespace dlc {

/// What an artifact says of itself.
struct ArtifactNotes {
  std::string target;  ///< the machine it is for, as cpu_signature() says
  std::string text;    ///< whatever the writer wants to find again
};

/// Writes a program to a new file, the weights while they are made: so they need not all be in
/// memory at once. Throws Error(failed) when it cannot be written.
class ArtifactWriter {
 public:
  explicit ArtifactWriter(const std::filesystem::path& path);
  ~ArtifactWriter();

  /// Writes a tensor. What comes back is the same tensor, but (unless it is small) in the file's
  /// pages: those of its own memory can go.
  Tensor keep(Tensor tensor);
  /// Writes the rest. Constants of the program that keep() gave back are not written again.
  void finish(const Program& program, const ArtifactNotes& notes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

void save_program(const Program& program, const ArtifactNotes& notes,
                  const std::filesystem::path& path);

/// The host function of an op; null: there is none of that name.
using FindHostFunction = HostFunction (*)(std::string_view op);

struct LoadedProgram {
  std::shared_ptr<const Program> program;
  ArtifactNotes notes;
};

/// Maps a program. Everything is checked before any of its code can run; `threads` read the
/// weights for that. Throws Error(invalid) for a file that is damaged, breaks off, is no artifact
/// or one of another version, Error(unsupported) for one that is for another machine.
LoadedProgram load_program(const std::filesystem::path& path, FindHostFunction find, int threads);

/// Whether all indices of a program are within bounds, its values agree with each other and its
/// sizes are sound expressions. Whether its code, or a host function, is right for the values that
/// it gets is not looked at. Throws Error(invalid).
void check_program(const Program& program);

}  // namespace dlc
