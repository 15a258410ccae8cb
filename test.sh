#!/bin/sh
# Command 2: ./test.sh [arguments of pytest]  runs every check that CI runs, in the same .venv.
# OVERPAINT_BROWSER=/path/to/chromium chooses the browser. A failing step fails the run, but the
# later ones still run. pytest comes last, so that the last lines are its summary; files of tests
# run side by side (-n 1 for one after the other).
set -u
cd "$(dirname -- "$0")" || exit 1
python=${OVERPAINT_VENV:-$PWD/.venv}/bin/python
export HF_HUB_OFFLINE=1
unset DISPLAY WAYLAND_DISPLAY
begun=$(date +%s)
failed=

header() { printf '\n== %s (%s s so far)\n' "$1" "$(($(date +%s) - begun))"; }

step() {
    name=$1
    shift
    header "$name"
    "$@" || failed="$failed $name,"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Installs Debian packages where that is possible without asking anybody.
apt() {
    command -v apt-get >/dev/null && as_root true 2>/dev/null || return 1
    echo "apt-get install $*"
    as_root apt-get -qq update >/dev/null &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "$@" >/dev/null </dev/null
}

runs() { [ -n "$1" ] && "$1" --version >/dev/null 2>&1; }

find_browser() {
    for name in "${OVERPAINT_BROWSER:-}" chromium chromium-browser google-chrome; do
        browser=$(command -v "${name:-none}") && runs "$browser" && return
    done
    browser=$("$python" -c 'from playwright.sync_api import sync_playwright
with sync_playwright() as p: print(p.chromium.executable_path)' 2>/dev/null)
    runs "$browser"
}

# Ubuntu's chromium package is a snap, which neither runs in containers nor under Playwright.
get_browser() {
    find_browser && return
    grep -qs '^ID=debian' /etc/os-release && apt chromium && find_browser && return
    echo "playwright install chromium"
    "$python" -m playwright install chromium >/dev/null 2>&1 && find_browser
}

header "install"
python3 -c 'import ctypes; ctypes.CDLL("libGL.so.1")' 2>/dev/null || apt libgl1 libglib2.0-0
./webui.sh install-tests || exit 1

header "browser"
which_tests=
if get_browser; then
    export OVERPAINT_BROWSER="$browser"
    echo "$browser"
else
    which_tests='not browser'
    echo "No browser found: the browser tests are skipped. Install Chromium or Chrome, or name one:"
    echo "OVERPAINT_BROWSER=/path/to/chromium ./test.sh"
    [ "${CI:-}" = true ] && failed="$failed browser,"
fi

step "ruff format" "$python" -m ruff format --check .
step "ruff check" "$python" -m ruff check .
step "mypy" "$python" -m mypy
[ -z "$failed" ] || printf '\nFailed so far:%s\n' "${failed%,}"
export OMP_NUM_THREADS=1  # each of the processes uses one core
step "pytest" "$python" -m pytest -n auto --maxprocesses 4 --dist loadfile --durations=12 \
    --durations-min=15 -m "$which_tests" "$@"
[ -z "$failed" ]
