// Figures of repeated measurements.
#include "tools/dlc/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <random>

namespace dlc::cli {
namespace {

double percentile(std::span<const double> sorted, double share) {
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

double median(std::vector<double> values) {
  assert(!values.empty() && "the median of nothing");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

Statistics statistics(std::span<const double> sorted) {
  assert(!sorted.empty() && "statistics of nothing");
  const auto count = static_cast<double>(sorted.size());
  Statistics s;
  s.median = median({sorted.begin(), sorted.end()});
  s.p90 = percentile(sorted, 0.9);
  s.p99 = percentile(sorted, 0.99);
  s.min = sorted.front();
  s.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / count;
  double squares = 0;
  for (double x : sorted) squares += (x - s.mean) * (x - s.mean);
  s.deviation = sorted.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  return s;
}

Estimate bootstrap_median(std::span<const double> values) {
  assert(!values.empty() && "an estimate from nothing");
  constexpr int draws = 1000;
  std::mt19937_64 random(1);
  std::vector<double> medians(draws), drawn(values.size());
  for (double& result : medians) {
    for (double& x : drawn) x = values[random() % values.size()];
    result = median(drawn);
  }
  std::ranges::sort(medians);
  return {median({values.begin(), values.end()}), percentile(medians, 0.025),
          percentile(medians, 0.975)};
}

}  // namespace dlc::cli
