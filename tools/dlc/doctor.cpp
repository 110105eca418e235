// dlc doctor: version, processor, threads, libraries, environment.
#include <fmt/core.h>
#include <google/protobuf/stubs/common.h>
#include <unistd.h>
#include <zlib.h>
#include <CLI/Version.hpp>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "build_info.h"
#include "compiler/driver/backend.h"
#include "compiler/driver/cache.h"
#include "compiler/ops/op_def.h"
#include "passes/pass.h"
#include "runtime/thread_pool.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/machine.h"
#include "tools/dlc/options.h"

namespace dlc::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string protobuf_version() {
  return google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION);
}

std::string fmt_version() {
  return fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100);
}

/// Environment variables that dlc reads.
constexpr const char* variables[] = {"DLC_THREADS", "DLC_CACHE_DIR", "DLC_CACHE_SIZE",
                                     "XDG_CACHE_HOME"};

Json facts() {
  const llvm_backend::TargetInfo target = llvm().host_target(0);
  Json json = {{"schema", 1},
               {"version", build_version},
               {"commit", build_commit},
               {"build", build_type},
               {"compiler", __VERSION__},
               {"processor", processor_name()},
               {"target", target.cpu},
               {"isa", target.isa},
               {"vector_bits", target.vector_bits},
               {"l1_kb", target.l1_bytes >> 10},
               {"l2_kb", target.l2_bytes >> 10},
               {"cores", std::thread::hardware_concurrency()},
               {"threads", available_threads()},
               {"memory_mb", memory_mb()},
               {"governor", governor()},
               {"load", std::round(100 * load_average()) / 100},
               {"backends", {"llvm"}},
               {"cache", default_cache_folder().string()},
               {"libraries",
                {{"LLVM", llvm().version()},
                 {"Protobuf", protobuf_version()},
                 {"zlib", zlibVersion()},
                 {"fmt", fmt_version()},
                 {"CLI11", CLI11_VERSION}}},
               {"ops", all_ops().size()},
               {"passes", pipeline().size()},
               {"environment", Json::object()}};
  for (const char* variable : variables) {
    const char* value = std::getenv(variable);
    json["environment"][variable] = value == nullptr ? Json() : Json(value);
  }
  return json;
}

std::string value_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "not set";
  return value.dump();
}

void print_text(const Json& facts, const std::string& indent) {
  for (const auto& [key, value] : facts.items()) {
    if (key == "schema") continue;
    if (value.is_object()) {
      fmt::print("{}{}\n", indent, key);
      print_text(value, indent + "  ");
    } else if (value.is_array()) {
      fmt::print("{}{:14}{}\n", indent, key, value[0].get<std::string>());
    } else {
      fmt::print("{}{:14}{}\n", indent, key, value_text(value));
    }
  }
}

}  // namespace

std::string version_text() {
  const llvm_backend::TargetInfo target = llvm().host_target(0);
  return fmt::format("dlc {} ({}), LLVM {}, for {}: {}", build_version, build_commit,
                     llvm().version(), target.cpu, target.isa);
}

void add_doctor(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  CLI::App& command = *app.add_subcommand("doctor", "Show version, processor, threads, libraries");
  add_json_option(command, *json);
  command.footer("Example: dlc doctor --json");
  command.callback([json] {
    const Json found = facts();
    if (*json) {
      fmt::print("{}\n", found.dump(2));
    } else {
      print_text(found, "");
    }
  });
}

}  // namespace dlc::cli
