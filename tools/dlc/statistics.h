// Figures of repeated measurements.
#pragma once

#include <span>
#include <vector>

namespace dlc::cli {

/// Of latencies in milliseconds.
struct Statistics {
  double median = 0, p90 = 0, p99 = 0, min = 0, mean = 0, deviation = 0;
};
/// `sorted` is not empty and ascends. Percentiles are the nearest rank below.
Statistics statistics(std::span<const double> sorted);

double median(std::vector<double> values);

/// A figure and its 95 % confidence interval.
struct Estimate {
  double value = 0, low = 0, high = 0;
};
/// The median of `values` with the interval of a bootstrap (always the same draws).
Estimate bootstrap_median(std::span<const double> values);

}  // namespace dlc::cli
