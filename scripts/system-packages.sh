#!/usr/bin/env bash
# Usage: scripts/system-packages.sh libgomp1 chromium
# Installs the named Debian packages that are missing, where that is allowed. Where it is not, says what to
# run and goes on: whatever needs the part says so itself.
set -euo pipefail

present() {
    case $1 in
        libgomp1) PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -q 'libgomp\.so\.1' ;;
        chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ;;
        *) dpkg-query -W -f '${db:Status-Status}' "$1" | grep -qx installed ;;
    esac &>/dev/null
}

as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get && as_root true
} &>/dev/null

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

install() {
    # The lists are fetched only when the machine has none, or old ones.
    apt install --no-install-recommends "$@" || { apt update && apt install --no-install-recommends "$@"; }
} &>"${log:=$(mktemp)}"

missing=()
for package in "$@"; do
    present "$package" || missing+=("$package")
done
[[ ${#missing[@]} == 0 ]] && exit

command="apt-get install ${missing[*]}"
if ! may_install; then
    echo "Missing: ${missing[*]}. As root, run: $command" >&2
    exit
fi
echo "Installing ${missing[*]} (Debian packages) ..." >&2
if ! install "${missing[@]}"; then
    tail -n 5 "$log" >&2
    echo "Not installed: ${missing[*]}. Try: $command" >&2
fi
