#!/bin/sh
# Command 1: ./webui.sh [flags]  makes .venv, installs what is missing, starts the web UI.
# PYTHON=/path/to/python3.12 chooses the Python; docs/dependencies.md has the other variables.
set -u
self=$(readlink -f -- "$0" 2>/dev/null) || case $0 in */*) self=$0 ;; *) self=./$0 ;; esac
here=$(CDPATH='' cd -- "${self%/*}" && pwd -P) || exit 1
venv=${OVERPAINT_VENV:-$here/.venv}

# A later start: the stamp is a copy of the requirements that were installed. Anything else that
# can be asked for goes through bootstrap.py, which compares the same stamp.
if [ -z "${PYTHON:-}${OVERPAINT_TORCH_INDEX:-}" ] && [ "${1:-}" != install ] &&
    [ "${1:-}" != install-tests ] && [ -x "$venv/bin/python" ] &&
    cat "$here/requirements.txt" "$here/requirements.lock" |
    cmp -s - "$venv/installed.txt" 2>/dev/null; then
    case $venv in /*) ;; *) venv=$PWD/$venv ;; esac
    unset OVERPAINT_VENV OVERPAINT_WHEELS
    cd "$here" && exec "$venv/bin/python" "$here/app.py" "$@"
fi

suits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    command -v "$PYTHON" >/dev/null || {
        echo "Overpaint cannot start: PYTHON=$PYTHON is no program. Correct it or unset it." >&2
        exit 1
    }
    exec "$PYTHON" "$here/bootstrap.py" "$@"
fi
for python in python3.13 python3.12 python3.11 python3 python; do
    suits "$python" && exec "$python" "$here/bootstrap.py" "$@"
done
found=$(python3 --version 2>&1) || found="no Python at all"
echo "Overpaint cannot start: it needs Python 3.11, 3.12 or 3.13 and found $found. Install one" \
    "(Debian and Ubuntu: apt-get install python3.11 python3.11-venv; elsewhere: python.org)," \
    "or name one that is there: PYTHON=/path/to/python3.11 ./webui.sh" >&2
exit 1
