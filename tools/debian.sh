#!/usr/bin/env bash
# Builds and tests what is committed in another release of Debian: tools/debian.sh trixie FOLDER [COMMAND…]
#
# FOLDER gets a small Debian (4 GB with all of it), and keeps it, with a clone in /root/gameflow: the next time is quick. COMMAND is run
# there instead of the steps below. Takes root and mmdebstrap. Tests without a service manager in there; the network is this machine's.
set -euo pipefail
suite=$1 root=$2
shift 2
repository=$(cd "$(dirname "$0")/.." && pwd)
# Certificates that this machine trusts beside Debian's, for npm.
certificates=/usr/local/share/ca-certificates
steps="tools/setup.sh test && tools/configure.sh all && ninja -C build -j ${JOBS:-$(nproc)} \
  && ctest --test-dir build --output-on-failure -L 'unit|dataflow|system' && make deb"

if [ ! -d "$root/root" ]; then
  mmdebstrap --variant=minbase --include=ca-certificates,git --dpkgopt=force-unsafe-io \
    --customize-hook="[ ! -d $certificates ] || cp -r $certificates/. \"\$1$certificates\"" \
    --customize-hook='chroot "$1" update-ca-certificates' "$suite" "$root"
fi
root=$(cd "$root" && pwd)
# No service starts with its package.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$root/etc/"

[ -d "$root/root/gameflow" ] || git clone -q "$repository" "$root/root/gameflow"
git -C "$root/root/gameflow" fetch -q "$repository" HEAD
git -C "$root/root/gameflow" checkout -q --detach FETCH_HEAD

# What is mounted is gone with the last process.
exec unshare --mount --propagation private bash -euo pipefail -c '
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt bash -c "cd /root/gameflow && $2"
' debian "$root" "${*:-$steps}"
