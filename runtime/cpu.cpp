// The processor's own answers (CPUID).
#include "runtime/cpu.h"

#include <cpuid.h>
#include <fmt/format.h>

namespace dlc {

int widest_vector_bits() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return 512;
  // Every processor with AVX2 and FMA has F16C.
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 256 : 128;
}

std::string isa_name(int vector_bits) {
  return vector_bits == 512 ? "avx512" : vector_bits == 256 ? "avx2 fma f16c" : "sse4.2";
}

std::string cpu_signature() {
  // Vendor, family and model, features, and (leaf 13) what the operating system has switched on.
  // Leaf 1 has in EBX which core this is: left out.
  static constexpr struct {
    unsigned leaf, sub;
    bool b;
  } leaves[] = {{0, 0, true}, {1, 0, false}, {7, 0, true},
                {7, 1, true}, {13, 0, true}, {0x80000001, 0, true}};
  std::string text;
  for (const auto& [leaf, sub, with_b] : leaves) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(leaf, sub, &a, &b, &c, &d)) continue;
    text += fmt::format("{:x}.{:x}.{:x}.{:x},", a, with_b ? b : 0, c, d);
  }
  return text;
}

}  // namespace dlc
