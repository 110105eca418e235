// Sequences and optionals. Rows: compiler/ops/sequence.cpp.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

// Positions count from the end when negative; outside they throw Error(invalid). Tensors that go
// into a sequence or optional are copied, as their memory is the caller's or the arena's.
void sequence_construct(const HostCall& call);
void sequence_empty(const HostCall& call);
void sequence_at(const HostCall& call);
void sequence_insert(const HostCall& call);  ///< before `position`; absent: at the end
void sequence_erase(const HostCall& call);   ///< absent: the last
void sequence_length(const HostCall& call);
/// ONNX ConcatFromSequence-11: joins along `axis`; new_axis: stacks along a new one.
void concat_from_sequence(const HostCall& call);
/// ONNX SplitToSequence-24: `split` gives all lengths (rank 1) or one for each but the last (rank
/// 0); without it slices of length 1, whose axis goes if keepdims is 0.
void split_to_sequence(const HostCall& call);

void optional(const HostCall& call);              ///< the input, or nothing
void optional_get_element(const HostCall& call);  ///< throws Error(invalid) if there is none
void optional_has_element(const HostCall& call);

}  // namespace dlc::host
