// Discrete Fourier transforms. Row: compiler/ops/signal.cpp.
#pragma once

#include <complex>
#include <vector>

#include "runtime/host.h"

namespace dlc::host {

/// Replaces x by its transform, y[k] = sum over n of x[n] * exp(-2 pi i k n / N), of any length N;
/// with the other sign for `inverse`, which does not divide by N. In double throughout.
void fourier_transform(std::vector<std::complex<double>>& x, bool inverse);

void dft(const HostCall& call);  ///< DFT: input, dft_length, axis

}  // namespace dlc::host
