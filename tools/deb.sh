#!/usr/bin/env bash
# Packs the program in build/ as build/deb/gameflow_VERSION_ARCH.deb. VERSION=0.1.1 names another version than the program's.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${VERSION:-$(sed -n 's/^project(gameflow VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)}
# Each release of Debian has libraries of its own, and so a package.
version+=-1~$(. /etc/os-release && echo "$ID${VERSION_ID:-}")
export BUILD=$PWD/build DEB_RULES_REQUIRES_ROOT=no
folder=$BUILD/deb/work
rm -rf "$folder"
mkdir -p "$folder"
cp -r deploy/debian "$folder/"
cat >"$folder/debian/changelog" <<EOF
gameflow ($version) unstable; urgency=medium

  * What changed: /usr/share/doc/gameflow/CHANGELOG.md.

 -- The gameflow authors <gameflow@example.org>  $(date -R)
EOF
(cd "$folder" && debian/rules binary >build.log 2>&1) || {
  tail -n 30 "$folder/build.log" >&2
  exit 1
}
echo "$BUILD/deb/gameflow_${version}_$(dpkg --print-architecture).deb"
