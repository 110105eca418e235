#!/usr/bin/env bash
# Configures build/ as a release build and builds the given targets. Shows CMake's output only when
# it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
if ! cmake --preset release >build/configure.log 2>&1; then
  cat build/configure.log >&2
  exit 1
fi
exec ninja -C build "$@" >&2
