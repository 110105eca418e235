// Seeds of random numbers.
#include "runtime/host/seed.h"

#include <bit>
#include <random>

namespace dlc::host {
namespace {

/// Spreads a number over 64 bits (the finalizer of SplitMix64).
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

}  // namespace

void random_seed(const HostCall& call) {
  uint64_t seed;
  if (call.attrs.has("seed")) {
    seed = mix(std::bit_cast<uint64_t>(call.attrs.real("seed")));
  } else {
    std::random_device device;
    seed = static_cast<uint64_t>(device()) << 32 | device();
  }
  call.out(0, DType::u64, {}).as_mutable<uint64_t>()[0] = seed;
}

}  // namespace dlc::host
