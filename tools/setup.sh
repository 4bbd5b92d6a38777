#!/usr/bin/env bash
# Installs what is missing to build ("build"), and beside that to pack ("deb"), to test ("test") or to fuzz ("fuzz"). Quick when nothing is.
set -euo pipefail
cd "$(dirname "$0")/.."

# "debian12"; something else or nothing elsewhere.
release=$(. /etc/os-release 2>/dev/null && echo "${ID:-}${VERSION_ID:-}" || true)
# Debian 12 has Boost 1.74 under the plain name.
boost=libboost-dev
[ "$release" != debian12 ] || boost=libboost1.81-dev

build_packages=(g++ cmake ninja-build make pkg-config ccache git curl ca-certificates
  librocksdb-dev libsimdjson-dev libyaml-cpp-dev libsqlite3-dev "$boost" liblz4-dev
  libxxhash-dev libfmt-dev libspdlog-dev libcli11-dev libexpected-dev prometheus-cpp-dev
  libcurl4-openssl-dev libedit-dev libssl-dev zlib1g-dev libpq-dev libmosquitto-dev
  librdkafka-dev)
test_packages=(libgtest-dev clang-format clang-tidy shellcheck chromium fonts-dejavu-core python3
  python3-yaml python3-jsonschema libfaketime postgresql graphite-carbon graphite-web mosquitto
  mosquitto-clients nginx-light kcat default-jre-headless maven openssl fish zsh groff-base
  prometheus)
deb_packages=(debhelper)
fuzz_packages=(clang-14 libclang-rt-14-dev libgtest-dev)

what=${1:-build}
packages=("${build_packages[@]}")
case $what in
  deb) packages+=("${deb_packages[@]}") ;;
  fuzz) packages+=("${fuzz_packages[@]}") ;;
  test) packages+=("${deb_packages[@]}" "${test_packages[@]}") ;;
esac

# Node serves the libraries of web/ at build time; any node of version 18 or later with npm will do.
node_major() { node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p'; }
if ! command -v npm >/dev/null || [ "$(node_major)" -lt 18 ] 2>/dev/null; then
  packages+=(nodejs npm)
fi

missing_packages() {
  # One call for all: a package counts only when fully installed.
  comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) \
    <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null |
      sed -n 's/^ii  *//p' | sort -u)
}

install_packages() {
  local missing=$1
  if [[ $release != debian1[23] ]]; then
    echo "setup: this is neither Debian 12 nor 13, so nothing was installed. gameflow needs what these Debian 12" >&2
    echo "packages hold; install them and run 'SKIP_SETUP=1 make …':" >&2
    fold -s -w 90 <<<"${packages[*]}" >&2
    exit 1
  fi
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "setup: become root and run: apt-get install -y --no-install-recommends" $missing >&2
      exit 1
    }
    sudo=(sudo)
  fi
  echo "setup: installing" $missing
  "${sudo[@]}" apt-get update -qq
  # shellcheck disable=SC2086  # one word each
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Use-Pty=0 $missing >.setup.log 2>&1 || {
    tail -n 20 .setup.log >&2
    echo "setup: apt-get failed; the whole log is in .setup.log" >&2
    exit 1
  }
  rm -f .setup.log
}

# npm ci for a folder whose lock file has changed since the last time.
install_node_modules() {
  local folder=$1
  [ -f "$folder/package-lock.json" ] || return 0
  cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed-lock" && return 0
  echo "setup: npm ci in $folder/"
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error)
  cp "$folder/package-lock.json" "$folder/node_modules/.installed-lock"
}

if [ -z "${SKIP_SETUP:-}" ]; then
  missing=$(if command -v dpkg-query >/dev/null; then missing_packages; else printf '%s\n' "${packages[@]}"; fi)
  [ -z "$missing" ] || install_packages "$(tr '\n' ' ' <<<"$missing")"
fi
install_node_modules web
[ "$what" != test ] || install_node_modules tests/browser
