#!/usr/bin/env bash
# Installs what building dlc needs and is missing, and fetches ONNX's message definitions.
# Says nothing and takes no time when there is nothing to do.
#
#   tools/setup.sh            what the build and the tests need
#   tools/setup.sh --model    the model of the demo and of the command line's tests as well
#   tools/setup.sh --lint     clang-format and clang-tidy as well
#   tools/setup.sh --fuzz     the compiler of the preset `fuzz` as well
set -euo pipefail
cd "$(dirname "$0")/.."

onnx_wheel=onnx==1.23.2
onnx_proto_sha256=8f39d0a1ae1abef5ca648922cdb06716d6bd1573c9e972b42854c16e9e352c16
magika_wheel=magika==1.0.3
magika_wheel_sha256=3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529

packages=(cmake ninja-build ccache g++ git python3 python3-pip libfmt-dev libcli11-dev
  nlohmann-json3-dev libprotobuf-dev protobuf-compiler libre2-dev pkg-config libjpeg-dev libpng-dev libtiff-dev
  libwebp-dev zlib1g-dev libzstd-dev libgtest-dev)
llvm_majors=(22 21 20 19)

want_model=no
for option in "$@"; do
  case $option in
    --model) want_model=yes ;;
    --lint) packages+=(clang-format clang-tidy) ;;
    --fuzz) packages+=(clang-22 libclang-rt-22-dev) ;;
    *) echo "setup: unknown option '$option'" >&2; exit 2 ;;
  esac
done

say() { echo "setup: $*" >&2; }

# Runs a command without its chatter; shows all of it when it fails.
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    say "this failed: $*"
    return 1
  fi
  rm -f "$log"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    say "root rights are needed for: $*"
    return 1
  fi
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      echo "$package"
  done
}

has_llvm() {
  local major
  for major in "${llvm_majors[@]}"; do
    [ -e "/usr/lib/llvm-$major/lib/cmake/llvm/LLVMConfig.cmake" ] && return 0
  done
  return 1
}

# The newest LLVM that the configured package sources have.
llvm_package() {
  local major
  for major in "${llvm_majors[@]}"; do
    if apt-cache show "llvm-$major-dev" >/dev/null 2>&1; then
      echo "llvm-$major-dev"
      return
    fi
  done
  say "no llvm-${llvm_majors[-1]}-dev or newer in this distribution's packages; apt.llvm.org has them"
  return 1
}

install_with_apt() {
  local missing
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} = 0 ] && has_llvm; then
    return
  fi
  quietly as_root apt-get update -q
  has_llvm || missing+=("$(llvm_package)")
  say "installing ${missing[*]}"
  quietly as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

explain_other_distribution() {
  local tool
  for tool in cmake ninja protoc g++ python3; do
    if ! command -v "$tool" >/dev/null; then
      say "'$tool' is missing. This script installs packages on Debian and Ubuntu only. Elsewhere,"
      say "install CMake 3.25, Ninja, a C++20 compiler, LLVM 19 or newer with its CMake files, fmt,"
      say "CLI11, nlohmann-json, Protobuf 3.21 with protoc, RE2, libjpeg, libpng, libtiff, libwebp,"
      say "zlib, GoogleTest and Python 3 with pip."
      return 1
    fi
  done
}

# fetch_wheel REQUIREMENT FOLDER: the wheel, unpacked nowhere. The platform is fixed because only data
# is taken from it.
fetch_wheel() {
  quietly python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$2" \
    --only-binary=:all: --platform manylinux_2_28_x86_64 --python-version 3.12 "$1"
}

# extract WHEEL MEMBER FILE
extract() {
  python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' \
    "$1" "$2" >"$3.part"
  mv "$3.part" "$3"
}

# verify SHA256 FILE
verify() {
  echo "$1  $2" | sha256sum --check --status && return
  say "$2 does not have the expected SHA-256 $1"
  return 1
}

fetch_onnx_proto() {
  local proto=.cache/onnx/onnx-ml.proto folder
  [ -e "$proto" ] && return
  say "fetching onnx-ml.proto ($onnx_wheel)"
  folder=$(mktemp -d)
  fetch_wheel "$onnx_wheel" "$folder"
  mkdir -p .cache/onnx
  extract "$folder"/onnx-*.whl onnx/onnx-ml.proto "$folder/onnx-ml.proto"
  verify "$onnx_proto_sha256" "$folder/onnx-ml.proto"
  mv "$folder/onnx-ml.proto" "$proto"
  rm -rf "$folder"
}

fetch_model() {
  local models=.cache/models/magika folder member
  [ -e "$models/model.onnx" ] && return
  say "fetching the demo's model ($magika_wheel, Apache-2.0)"
  folder=$(mktemp -d)
  fetch_wheel "$magika_wheel" "$folder"
  verify "$magika_wheel_sha256" "$folder"/magika-*.whl
  mkdir -p "$models"
  for member in config.min.json model.onnx; do
    extract "$folder"/magika-*.whl "magika/models/standard_v3_3/$member" "$models/$member"
  done
  rm -rf "$folder"
}

if command -v apt-get >/dev/null; then
  install_with_apt
else
  explain_other_distribution
fi
fetch_onnx_proto
if [ "$want_model" = yes ]; then
  fetch_model
fi
