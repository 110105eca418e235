#!/usr/bin/env bash
# Runs a target of tests/fuzz/ under libFuzzer, with the address (leaks, too) and undefined behaviour
# sanitizers.
#
#   tools/fuzz.sh TARGET [SECONDS [CASES]]
#
# SECONDS: 60, unless given. CASES: a folder of ONNX backend cases, whose models and tensors are taken
# as inputs to begin from. What was found worth keeping stays in build/fuzz/corpus/TARGET, for the
# next run; findings are in build/fuzz/findings/.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:-}
seconds=${2:-60}
cases=${3:-}
if [ ! -e "tests/fuzz/$target.cpp" ] || ! grep -q "^dlc_fuzz_target($target " tests/fuzz/CMakeLists.txt; then
  echo "usage: tools/fuzz.sh TARGET [SECONDS [CASES]]; targets:" \
    "$(sed -n 's/^dlc_fuzz_target(\([a-z]*\) .*/\1/p' tests/fuzz/CMakeLists.txt | xargs)" >&2
  exit 2
fi

tools/setup.sh --fuzz
if ! command -v clang++-22 >/dev/null; then
  echo "fuzz: clang++-22 with libFuzzer is needed (CMakePresets.json, preset 'fuzz')" >&2
  exit 1
fi
[ -e build/fuzz/build.ninja ] || cmake --preset fuzz
ninja -C build/fuzz "fuzz_$target"

fuzzer=$PWD/build/fuzz/bin/fuzz_$target
seeds=build/fuzz/seeds/$target
corpus=build/fuzz/corpus/$target
kept=tests/fuzz/regressions/$target
mkdir -p "$corpus" build/fuzz/findings
"$fuzzer" --write-seeds="$seeds"

# from_cases PATTERN FIRST_BYTE: small files of the cases, after the byte (if any) that the target
# wants before them.
from_cases() {
  local file number=0
  while IFS= read -r -d '' file; do
    { printf '%b' "$2"; cat "$file"; } >"$seeds/case-$((number++))"
  done < <(find -L "$cases" -name "$1" -size -32k -print0)
}
if [ -n "$cases" ]; then
  case $target in
    import | models) from_cases model.onnx '' ;;
    tensors) from_cases '*put_*.pb' '\x02' ;;
  esac
fi

# Names of operators and attributes, to put together what no seed has.
options=()
if [[ " import models text " == *" $target "* ]]; then
  grep -ohE '"[A-Za-z_.]{2,}"' compiler/ops/*.cpp frontends/onnx/*.cpp | sort -u >build/fuzz/words
  options+=(-dict=build/fuzz/words)
fi

folders=("$corpus" "$seeds")
[ -d "$kept" ] && folders+=("$kept")
status=0
"$fuzzer" -rss_limit_mb=2048 -timeout=25 -max_len=65536 -max_total_time="$seconds" \
  -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$target-" "${options[@]}" "${folders[@]}" || status=$?
if [ $status != 0 ]; then
  echo "fuzz: findings: $(ls build/fuzz/findings/"$target"-* 2>/dev/null | xargs)" >&2
  echo "fuzz: to see one again: $fuzzer FILE; mended, it is kept in $kept/" >&2
fi
exit $status
