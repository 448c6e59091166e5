#!/usr/bin/env bash
# Style, format, types and import contracts: one line per check, details only of what failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
failed=0

check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        printf '  ok      %s\n' "$name"
    else
        printf '  FAILED  %s\n%s\n' "$name" "$output"
        failed=1
    fi
}

echo "lint"
check "ruff check" .venv/bin/ruff check --quiet .
check "ruff format (mend: make format)" .venv/bin/ruff format --quiet --diff .
check "mypy --strict" .venv/bin/mypy --no-error-summary ${CI:+--cache-dir=/dev/null}  # read once there, kept for nobody
check "import contracts" .venv/bin/lint-imports
exit "$failed"
