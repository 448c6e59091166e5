#!/usr/bin/env bash
# Usage: scripts/lock.sh [--upgrade | --upgrade-package NAME]
# Resolves pyproject.toml into requirements.lock: every package, with hashes, without any address.
# Pins that still fit are kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

UV_CUSTOM_COMPILE_COMMAND="make lock" ${UV:-.venv/bin/uv} pip compile --quiet \
    --extra flights --extra grpc --extra otel --extra s3 --extra xgboost --group dev \
    --universal --fork-strategy fewest --python-version 3.11 \
    --generate-hashes --no-annotate \
    --output-file requirements.lock "$@" pyproject.toml >/dev/null
echo "requirements.lock: $(grep -c '^[a-z].*==' requirements.lock) packages"
