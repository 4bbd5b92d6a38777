#!/usr/bin/env bash
# Fuzzes with libFuzzer, guided by coverage: each target of tests/fuzz for FUZZ_SECONDS (an hour), or the one that FUZZ names.
# What it finds stays in build-fuzz/failures, inputs that reach new code in build-fuzz/corpus. Exits 1 if something failed.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-3600}
jobs=${JOBS:-$(nproc)}
targets=(json body batch request yaml sql tokens)
[ -z "${FUZZ:-}" ] || targets=("$FUZZ")

[ -f build-fuzz/build.ninja ] || cmake --preset fuzz >/dev/null
ninja -C build-fuzz -j "$jobs" "${targets[@]/#/fuzz_}"
mkdir -p build-fuzz/failures
failed=0
for target in "${targets[@]}"; do
  mkdir -p "build-fuzz/corpus/$target"
  corpus=("build-fuzz/corpus/$target")
  case $target in
    yaml)
      mkdir -p build-fuzz/corpus/yaml-seeds
      for file in examples/*/dataflow.yaml games/*/dashboards/*.yaml; do
        cp "$file" "build-fuzz/corpus/yaml-seeds/$(tr / _ <<<"$file")"
      done
      corpus+=(build-fuzz/corpus/yaml-seeds) ;;
    *) corpus+=("tests/fuzz/corpus/$target") ;;
  esac
  echo "== $target, $seconds s"
  "build-fuzz/fuzz_$target" "${corpus[@]}" -max_total_time="$seconds" -max_len=65536 -timeout=30 \
    -artifact_prefix="build-fuzz/failures/$target-" -print_final_stats=1 2>&1 |
    grep -vE '^#[0-9]+[[:space:]]+(REDUCE|NEW|pulse)' || failed=1
  [ "${PIPESTATUS[0]}" -eq 0 ] || failed=1
done
if [ "$failed" -ne 0 ]; then
  echo "inputs that failed, each for its target once more (build-fuzz/fuzz_NAME FILE):" build-fuzz/failures/*
fi
exit "$failed"
