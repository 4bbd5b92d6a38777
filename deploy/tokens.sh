#!/bin/sh
# What the services of compose.yaml are let in by: a token for each where there is none that gameflow knows. The text goes to
# $SECRETS/SERVICE/gameflow-token, the hash to the file of tokens, $GAMEFLOW_AUTH.
set -eu
umask 022  # Prometheus has another user; each sees the volume with its own token only.

# give SERVICE FLAG…
give() {
  service=$1 file=${SECRETS:-/secrets}/$1/gameflow-token
  shift
  if [ -s "$file" ] && grep -qs "sha256:$(tr -d '\n' <"$file" | sha256sum | cut -c -64)" "$GAMEFLOW_AUTH"; then
    echo "$service has a token"
    return
  fi
  # One whose text is lost, as when a volume was restored or removed.
  if grep -qs "^$service " "$GAMEFLOW_AUTH"; then gameflow token revoke "$service"; fi
  gameflow token create "$service" "$@" >"$file.new"
  mv "$file.new" "$file"
  echo "$service has a new token, in $file"
}

give connector --role ingest --role read
give prometheus --role read
echo "To sign in: docker compose exec gameflow gameflow token create NAME --role admin"
