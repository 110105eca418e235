// What a program consists of, field by field: what the writer and the reader of artifacts go by.
// All fields are named, so that a structure with a new one does not compile here as it was.
// Next: runtime/artifact.cpp.
#pragma once

#include <concepts>
#include <type_traits>

#include "runtime/program.h"

namespace dlc {

/// `A` is called with the fields of a structure, in order; `T` is `U`, or a constant one.
template <typename T, typename U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

template <typename A>
void fields(A& a, Is<DimCode::Instruction> auto& x) {
  a(x.op, x.value);
}
template <typename A>
void fields(A& a, Is<DimCode> auto& x) {
  auto& [code] = x;
  a(code);
}
template <typename A>
void fields(A& a, Is<Slot> auto& x) {
  auto& [name, storage, index, dtype, shape] = x;
  a(name, storage, index, dtype, shape);
}
template <typename A>
void fields(A& a, Is<Parameter> auto& x) {
  auto& [name, dtype, dims, shape, type] = x;
  a(name, dtype, dims, shape, type);
}
template <typename A>
void fields(A& a, Is<KernelStep> auto& x) {
  auto& [name, origins, function, buffers, params, items, item_cost, scratch_bytes] = x;
  a(name, origins, function, buffers, params, items, item_cost, scratch_bytes);
}
template <typename A>
void fields(A& a, Is<HostStep> auto& x) {
  auto& [name, origins, function, attrs, inputs, outputs] = x;
  a(name, origins, attrs, inputs, outputs);
  a.host_function(x);
}
template <typename A>
void fields(A& a, Is<BindStep::FromShape> auto& x) {
  a(x.slot, x.axis, x.dim);
}
template <typename A>
void fields(A& a, Is<BindStep::FromElement> auto& x) {
  a(x.slot, x.element, x.symbol);
}
template <typename A>
void fields(A& a, Is<BindStep> auto& x) {
  auto& [shapes, elements] = x;
  a(shapes, elements);
}
template <typename A>
void fields(A& a, Is<IfStep> auto& x) {
  auto& [condition, then_branch, else_branch, inputs, outputs] = x;
  a(condition, then_branch, else_branch, inputs, outputs);
}
template <typename A>
void fields(A& a, Is<LoopStep> auto& x) {
  auto& [trip_count, condition, body, states, captures, outputs] = x;
  a(trip_count, condition, body, states, captures, outputs);
}
template <typename A>
void fields(A& a, Is<ScanStep> auto& x) {
  auto& [body, states, sequences, captures, outputs, input_axes, output_axes, input_reversed,
         output_reversed] = x;
  a(body, states, sequences, captures, outputs, input_axes, output_axes);
  a(input_reversed, output_reversed);
}
template <typename A>
void fields(A& a, Is<SizeCheck> auto& x) {
  auto& [rule, first, second, what, node] = x;
  a(rule, first, second, what, node);
}
template <typename A>
void fields(A& a, Is<CodeImage::Import> auto& x) {
  a(x.cell, x.name);
}
template <typename A>
void fields(A& a, Is<Program> auto& x) {
  auto& [inputs, outputs, input_slots, output_slots, slots, constants, steps, dims, dim_epoch,
         symbols, checks, inherited, code] = x;
  a(inputs, outputs, input_slots, output_slots, slots, constants, steps);
  a(dims, dim_epoch, symbols, checks, inherited);
}

}  // namespace dlc
