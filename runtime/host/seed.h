// Seeds of random numbers. Row: compiler/ops/random.cpp.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

/// dlc.RandomSeed: a number that depends on the attribute `seed` alone, or without it on nothing.
void random_seed(const HostCall& call);

}  // namespace dlc::host
