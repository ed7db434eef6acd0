#!/usr/bin/env bash
# Makes .venv hold exactly what requirements/dev.txt locks, and Clew itself in editable form.
# Needs Python >= 3.11 and nothing else. Runs again at no cost, and after an interruption goes on where it must:
# the stamp that says "done" is written last, and holds the digest of everything the result depends on.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=.venv
readonly stamp=$venv/.clew-setup
readonly started=$venv/.clew-setup-started
# The recipe is the locks, so the user's pip settings about where else to look must not matter.
unset PIP_FIND_LINKS PIP_NO_INDEX PIP_REQUIRE_VIRTUALENV PIP_USER PIP_CONSTRAINT PYTHONHOME PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-180}
if [[ -n ${PIP_INDEX_URL:-} ]]; then export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}; fi
if [[ -n ${PIP_CERT:-} ]]; then export SSL_CERT_FILE=${SSL_CERT_FILE:-$PIP_CERT}; fi

fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

recent_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 python}; do
        if recent_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer was found." "Install one, or name it: make setup PYTHON=/path/to/python3.12"
}

can_install() {
    [[ -x $venv/bin/python ]] && recent_enough $venv/bin/python &&
        { $venv/bin/uv --version || $venv/bin/python -m pip --version; } >/dev/null 2>&1
}

# Debian leaves ensurepip out of python3; an environment without pip can still be filled by the pip outside it.
create_environment() {
    local python
    python=$(find_python)
    echo "setup: creating $venv with $("$python" --version)"
    if "$python" -m venv --clear $venv >/dev/null 2>&1; then
        return
    fi
    "$python" -m venv --clear --without-pip $venv ||
        fail "$python cannot create virtual environments." "On Debian and Ubuntu: apt-get install python3-venv"
    "$python" -m pip --version >/dev/null 2>&1 ||
        fail "$python has neither ensurepip nor pip." "On Debian and Ubuntu: apt-get install python3-venv"
    bootstrap_pip=("$python" -m pip --python $venv/bin/python)
}

# uv is quicker by far, but does not read pip's configuration: where a mirror is known to pip alone, pip does the work.
install_locked() {
    local locked=(--quiet --require-hashes --only-binary :all:)
    if ! $venv/bin/uv --version >/dev/null 2>&1; then
        "${bootstrap_pip[@]}" install "${locked[@]}" -r requirements/bootstrap.txt
    fi
    local uv=($venv/bin/uv pip install --python $venv/bin/python)
    if ! "${uv[@]}" "${locked[@]}" "$@" -r requirements/dev.txt; then
        echo "setup: that was uv; trying once more with pip" >&2
        "${bootstrap_pip[@]}" install "${locked[@]}" "${@/--reinstall/--force-reinstall}" -r requirements/dev.txt
    fi
    "${uv[@]}" --quiet --no-index --no-deps --no-build-isolation --editable .
}

wanted_stamp() {
    { pwd; cat requirements/*.txt pyproject.toml scripts/setup.sh src/clew/__init__.py; } | sha256sum
}

bootstrap_pip=($venv/bin/python -m pip)
if can_install; then
    if [[ "$(cat $stamp 2>/dev/null)" == "$(wanted_stamp)" ]]; then
        exit 0
    fi
else
    create_environment
fi
rm -f $stamp
echo "setup: installing what requirements/dev.txt locks"
if [[ -e $started ]]; then
    install_locked --reinstall # the last attempt was cut short: a package may be there in half
else
    touch $started
    install_locked
fi
wanted_stamp >$stamp.new
mv $stamp.new $stamp
rm -f $started
echo "setup: done. Try 'make demo', or '$venv/bin/clew --help'."
