// Keys of models, and their programs in the cache.
#include "compiler/driver/compile_file.h"

#include <fmt/ranges.h>
#include <malloc.h>

#include <exception>
#include <sstream>

#include "compiler/driver/stopwatch.h"
#include "compiler/ops/op_def.h"
#include "runtime/artifact.h"
#include "runtime/cpu.h"
#include "runtime/thread_pool.h"

namespace dlc {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

int thread_count(const CompileOptions& options) {
  return options.threads ? options.threads : available_threads();
}

/// Everything but the model's bytes that decides what the program is. Empty: what this makes is not
/// kept.
std::string settings(const onnx::ImportOptions& import, const CompileOptions& options,
                     Digest salt) {
  // All fields by name, so that a new one does not compile here until it is thought of.
  const auto& [opt_level, disabled_passes, print_after, stop_after, vector_bits, winograd, threads,
               verify_passes, explain] = options;
  if (!print_after.empty() || !stop_after.empty() || verify_passes || explain) return "";
  std::string text = fmt::format("{}\nO{}, {} bits, winograd {}, without {}\n", build_signature(),
                                 opt_level, vector_bits, winograd, fmt::join(disabled_passes, ","));
  for (const auto& [name, size] : import.dims) text += fmt::format("dim {}={}\n", name, size);
  for (const auto& [name, shape] : import.shapes)
    text += fmt::format("shape {}={}\n", name, to_string(shape));
  for (const auto& [name, tensor] : import.constants) {
    if (tensor.dtype() == DType::string)
      return "";  // no input of strings decides a shape; it is not worth a form of its own
    const auto* bytes = static_cast<const uint8_t*>(tensor.data());
    const Digest content = digest(std::span(bytes, static_cast<size_t>(tensor.bytes())), salt);
    text += fmt::format("constant {}={} {} {}\n", name, dlc::name(tensor.dtype()),
                        to_string(tensor.shape()), content.hex());
  }
  return text;
}

/// Empty: what this makes is not kept.
std::string key_of(const fs::path& path, const onnx::ImportOptions& import,
                   const CompileOptions& options, const Cache& cache) {
  const std::string text = settings(import, options, cache.salt());
  if (text.empty()) return "";
  const Digest model = cache.digest_of(path, thread_count(options));
  return digest(text + model.hex(), cache.salt()).hex();
}

/// A program's notes name the files beside the model, each with its digest.
std::string external_notes(const fs::path& folder, const std::vector<std::string>& files,
                           int threads, const Cache& cache) {
  std::string text;
  for (const std::string& file : files)
    text += fmt::format("{} {}\n", cache.digest_of(folder / file, threads).hex(), file);
  return text;
}

bool external_files_are_the_same(const std::string& notes, const fs::path& folder, int threads,
                                 const Cache& cache) {
  std::istringstream lines(notes);
  std::string hex, file;
  while (lines >> hex && lines.ignore() && std::getline(lines, file))
    if (cache.digest_of(folder / file, threads).hex() != hex) return false;
  return true;
}

HostFunction find_host_function(std::string_view name) {
  const OpDef* def = find_op(name);
  return def ? def->host : nullptr;
}

std::shared_ptr<const Program> load(const fs::path& entry, const fs::path& folder,
                                    const CompileOptions& options, const Cache& cache) {
  LoadedProgram loaded = load_program(entry, find_host_function, thread_count(options));
  if (!external_files_are_the_same(loaded.notes.text, folder, thread_count(options), cache))
    return nullptr;
  return std::move(loaded.program);
}

/// An entry that is damaged, or whose external data has changed, is no entry.
std::shared_ptr<const Program> find_in_cache(const Cache& cache, const std::string& key,
                                             const fs::path& folder, const CompileOptions& options,
                                             CompiledFile& result) {
  const std::optional<fs::path> entry = cache.find(key);
  if (!entry) return nullptr;
  try {
    return load(*entry, folder, options, cache);
  } catch (const Error& error) {
    result.cache_problem = error.what();
    cache.erase(key);
    return nullptr;
  }
}

/// Kernels are entries, too: another shape or option leaves most of a model's kernels as they were.
llvm_backend::ObjectStore object_store(const Cache& cache) {
  const auto key = [&cache, build = build_signature()](std::string_view what) {
    return "kernel-" + digest(build + std::string(what), cache.salt()).hex();
  };
  return {[&cache, key](std::string_view what) { return cache.read(key(what)); },
          [&cache, key](std::string_view what, std::string_view object) {
            cache.write(key(what), object);
          }};
}

/// Writes the entry while the program is made. Trouble with the cache leaves the program alone.
void make_and_store(const Cache& cache, const std::string& key,
                    const std::function<void(const CompileHooks&)>& make, CompiledFile& result,
                    const std::function<ArtifactNotes()>& notes) {
  bool compiling = false;
  std::exception_ptr problem;
  try {
    cache.store(key, [&](const fs::path& file) {
      ArtifactWriter writer(file);
      const auto keep = [&](Tensor tensor) {
        try {
          return problem ? tensor : writer.keep(tensor);
        } catch (const Error&) {
          problem = std::current_exception();
          return tensor;
        }
      };
      compiling = true;
      make({keep, object_store(cache)});
      compiling = false;
      if (problem) std::rethrow_exception(problem);
      writer.finish(*result.program, notes());
    });
  } catch (const Error& error) {
    if (compiling) throw;
    result.cache_problem = error.what();
  }
  if (!result.program) make({});
}

/// Imports and compiles, by way of a new entry under `key` if there is one.
CompiledFile compile_anew(const fs::path& path, const onnx::ImportOptions& import,
                          const CompileOptions& options, const Cache* cache,
                          const std::string& key) {
  CompiledFile result;
  Stopwatch watch;
  std::vector<std::string> external;
  onnx::ImportOptions reading = import;
  reading.external_files = &external;
  Graph graph = onnx::import_file(path, reading);
  result.import_ms = watch.lap();
  const auto make = [&](const CompileHooks& hooks) {
    result.program =
        with_context([&] { return path.filename().string(); },
                     [&] { return compile(std::move(graph), options, &result.report, hooks); });
  };
  if (key.empty()) {
    make({});
  } else {
    make_and_store(*cache, key, make, result, [&] {
      return ArtifactNotes{cpu_signature(), external_notes(folder_of(path), external,
                                                           thread_count(options), *cache)};
    });
  }
  result.compile_ms = watch.lap();
  return result;
}

}  // namespace

CompiledFile compile_file(const fs::path& path, const onnx::ImportOptions& import,
                          const CompileOptions& options, const Cache* cache, const RunWork& apart) {
  Stopwatch watch;
  const std::string key = cache ? key_of(path, import, options, *cache) : "";
  if (key.empty()) return compile_anew(path, import, options, nullptr, key);
  CompiledFile found;
  const auto look = [&] {
    found.program = find_in_cache(*cache, key, folder_of(path), options, found);
    return found.program != nullptr;
  };
  found.from_cache = look();
  found.import_ms = watch.lap();
  if (found.from_cache) return found;

  if (apart) {
    apart([&] { compile_anew(path, import, options, cache, key); });
    found.compile_ms = watch.lap();
    if (look()) return found;
  }
  CompiledFile result = compile_anew(path, import, options, cache, key);
  if (!found.cache_problem.empty()) result.cache_problem = found.cache_problem;
  result.import_ms += found.import_ms;
  // From here on the weights are the file's: the copies in this process's memory go.
  watch.lap();
  if (look()) result.program = std::move(found.program);
  ::malloc_trim(0);
  result.compile_ms += watch.lap();
  return result;
}

}  // namespace dlc
