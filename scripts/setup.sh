#!/usr/bin/env bash
# Builds .venv from requirements.lock; does nothing when it is already right.
#
# .venv/.ready holds the fingerprint of what .venv was built from. It is removed before a change and
# written after it, so an interrupted set-up is seen, and the next one starts from an empty .venv
# (uv's cache makes that cheap).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
ready=$venv/.ready
log=$venv/setup.log
declare -r inputs=(requirements.lock pyproject.toml scripts/setup.sh)

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

fingerprint() {
    # The folder counts too: an environment does not survive being moved.
    { pwd; cat "${inputs[@]}"; } | sha256sum | cut -d ' ' -f 1
}

python_for_venv() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python3.12 python3.13; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer with venv is missing." \
        "Install it (Debian: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3"
}

usable() {
    [[ -s $ready ]] && "$venv/bin/python" -c '' && "$venv/bin/uv" --version
} &>/dev/null

quietly() {
    local stage=$1
    shift
    printf '%s ...\n' "$stage" >&2
    "$@" &>>"$log" || fail "$(tail -n 20 "$log")" "" "$stage: failed. All output: $log" \
        "Behind a mirror, tell uv as well as pip where it is (UV_DEFAULT_INDEX); then run make again."
}

create() {
    local python uv_pin=$venv/uv.lock.txt
    python=$(python_for_venv)
    rm -rf "$venv"
    mkdir "$venv"
    quietly "Creating $venv ($("$python" --version))" "$python" -m venv "$venv"
    awk '/^uv==/ {p = 1} p {print; if (!/\\$/) exit}' requirements.lock >"$uv_pin"
    quietly "Installing the installer" \
        "$venv/bin/python" -m pip install --quiet --no-deps --require-hashes -r "$uv_pin"
}

# Else the processes of the first start would each do it. Nobody loads the tests of other packages, and a file of theirs
# that does not compile hurts nobody who does not load it.
compile() {
    local python=("$venv/bin/python" -m compileall -q)
    "${python[@]}" -j 0 -x '/(tests|databricks|pip)/' "$venv"/lib/python*/site-packages || true
    "${python[@]}" homeostat examples
}

install() {
    local uv=("$venv/bin/uv" pip)
    local into=(--python "$venv/bin/python")
    rm -f "$ready"
    # The lock also pins what builds the one package that ships as source.
    quietly "Installing $(grep -c '^[a-z].*==' requirements.lock) locked packages" \
        "${uv[@]}" sync --build-constraints requirements.lock "${into[@]}" requirements.lock
    quietly "Installing homeostat itself" "${uv[@]}" install --no-deps "${into[@]}" --editable .
    quietly "Compiling" compile
}

main() {
    local want
    want=$(fingerprint)
    if usable; then
        [[ $(<"$ready") == "$want" ]] && return
    else
        create
    fi
    install
    echo "$want" >"$ready"
}

main
