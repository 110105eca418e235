// dlc ops: the table of operators.
#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "compiler/ops/op_def.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/options.h"

namespace dlc::cli {
namespace {

std::string_view kind_text(OpKind kind) {
  switch (kind) {
    case OpKind::elementwise:
      return "elementwise";
    case OpKind::composite:
      return "composite";
    case OpKind::loops:
      return "loops";
    case OpKind::host:
      return "host";
    case OpKind::structural:
      return "structural";
  }
  return "";
}

void print_json() {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const OpDef* def : all_ops())
    rows.push_back({{"name", std::string(def->name)},
                    {"kind", std::string(kind_text(def->kind()))},
                    {"source", std::string(def->source)},
                    {"doc", std::string(def->doc)}});
  fmt::print("{}\n", nlohmann::ordered_json{{"schema", 1}, {"ops", rows}}.dump(2));
}

void print_text() {
  fmt::print("{:32}{:13}{:32}{}\n", "op", "kind", "source", "what it computes");
  for (const OpDef* def : all_ops()) {
    const std::string_view first_line = def->doc.substr(0, def->doc.find('\n'));
    fmt::print("{:32}{:13}{:32}{}\n", def->name, kind_text(def->kind()), def->source, first_line);
  }
  fmt::print("{} operators\n", all_ops().size());
}

/// "f32 f64 f16 bf16", with names for what comes often.
std::string types_text(DTypes set) {
  struct Group {
    std::string_view name;
    DTypes types;
  };
  constexpr Group groups[] = {{"any", types::all},
                              {"any but str", types::all & ~types::strings},
                              {"floats", types::floats},
                              {"ints", types::ints},
                              {"small floats", types::small_floats},
                              {"small ints", types::small_ints},
                              {"complex", types::complexes}};
  std::string text;
  const auto add = [&](std::string_view word) {
    text += text.empty() ? "" : ", ";
    text += word;
  };
  for (const Group& group : groups) {
    if ((set & group.types) != group.types) continue;
    add(group.name);
    set &= ~group.types;
  }
  for (int k = 1; k < dtype_count; ++k)
    if (set & one(static_cast<DType>(k))) add(name(static_cast<DType>(k)));
  return text;
}

std::string inputs_text(const OpDef& def) {
  std::string text;
  for (const InputSpec& input : def.inputs) {
    text += text.empty() ? "" : "; ";
    text += input.name;
    if (input.presence == Presence::optional) text += "?";
    if (input.presence == Presence::variadic || input.presence == Presence::any) text += "...";
    text += ": " + types_text(input.types);
  }
  return text;
}

std::string_view how_text(const OpDef& def) {
  if (def.contraction) return "contraction";
  switch (def.kind()) {
    case OpKind::elementwise:
    case OpKind::loops:
      return "fused loop";
    case OpKind::composite:
      return "body of others";
    case OpKind::host:
      return "C++ function";
    case OpKind::structural:
      break;
  }
  return "control flow";
}

std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text) result += c == '|' ? std::string("\\|") : std::string(1, c);
  return result;
}

void print_table(const std::string& title, const std::function<bool(std::string_view)>& belongs) {
  fmt::print(
      "\n## {}\n\n| operator | form | inputs | runs as | what it is |\n"
      "|---|---|---|---|---|\n",
      title);
  for (const OpDef* def : all_ops()) {
    if (!belongs(def->name)) continue;
    fmt::print("| {} | {} | {} | {} | {} |\n", def->name, def->source, escaped(inputs_text(*def)),
               how_text(*def), escaped(def->doc));
  }
}

/// docs/operators.md.
void print_markdown() {
  fmt::print(
      "# Operators\n\nWritten by `ninja -C build docs` from the operators' rows in "
      "`compiler/ops/`. Every earlier form of an ONNX operator\nis taken too: the importer turns "
      "it "
      "into the newest. *Runs as*: a *fused loop* becomes one with its neighbours\nand is "
      "compiled; a "
      "*contraction* is a blocked kernel; a *body of others* is a graph of other operators, which\n"
      "fuse; a *C++ function* of the runtime does what no loop says. `?`: may be left out, `...`: "
      "any "
      "number.\n");
  const auto in = [](std::string_view prefix) {
    return [prefix](std::string_view name) { return name.starts_with(prefix); };
  };
  print_table("ai.onnx",
              [](std::string_view name) { return name.find('.') == std::string_view::npos; });
  print_table("ai.onnx.ml", in("ai.onnx.ml."));
  print_table("ai.onnx.preview", in("ai.onnx.preview."));
  print_table("com.microsoft", in("com.microsoft."));
  print_table("dlc's own, in bodies of others", in("dlc."));
}

}  // namespace

void add_ops(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  CLI::App& command = *app.add_subcommand("ops", "List the operators that are known");
  add_json_option(command, *json);
  command.footer("Example: dlc ops | grep Conv");
  const auto markdown = std::make_shared<bool>(false);
  command.add_flag("--markdown", *markdown, "As docs/operators.md");
  command.callback([json, markdown] {
    if (*markdown) return print_markdown();
    *json ? print_json() : print_text();
  });
}

}  // namespace dlc::cli
