# Sourced by the other scripts: finds Python 3.13, uv and browsers, and says what is missing in a sentence.
# shellcheck shell=bash

# Of what a person has set for pip and uv, we take where packages come from and how the network is
# reached. The rest (PIP_USER, UV_SYSTEM_PYTHON) changes what is installed or where, which we say.
for name in ${!PIP_@} ${!UV_@}; do
  case $name in
    *INDEX* | *FIND_LINKS | *CERT* | *TLS | *PROXY | *HOST | *KEYRING* | *CREDENTIALS*) ;;
    *TIMEOUT | *RETRIES | *OFFLINE | *CONCURRENT* | *CACHE_DIR | *CONFIG_FILE | UV_PYTHON_* | UV_LINK_MODE) ;;
    *) unset "$name" ;;
  esac
done
unset name
# The machine's certificates count, a company's own among them; SSL_CERT_FILE names others.
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# Prints a CPython 3.13 that runs; nothing when the machine has none. A pyenv shim can be on PATH and
# still refuse to run, so each candidate is tried.
find_python() {
  local candidate
  for candidate in "${PYTHON313:-}" python3.13 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python3.13 \
    /usr/local/bin/python3.13 /opt/homebrew/bin/python3.13; do
    [[ -n $candidate ]] || continue
    "$candidate" -c 'import sys; print(sys.executable) if sys.version_info[:2] == (3, 13) else sys.exit(1)' \
      2>/dev/null && return
  done
  [[ -z ${PYTHON313:-} ]] || fail "PYTHON313 is set to $PYTHON313, which is not a Python 3.13."
}

# Prints the path of uv: the machine's, or one of the project's own in .tools/, installed if need be.
find_uv() {
  local own=.tools/uv/bin/uv base
  if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then
    command -v uv
    return
  fi
  if [[ ! -x $own ]] || ! "$own" --version >/dev/null 2>&1; then
    base=$(find_python)
    base=${base:-python3}
    "$base" -c '' 2>/dev/null ||
      fail "Neither uv nor Python is installed. Install uv (https://docs.astral.sh/uv/) and try again."
    say "Installing uv into .tools/ ..."
    rm -rf .tools/uv
    "$base" -m venv .tools/uv ||
      fail "$base cannot make a virtual environment. Install uv (https://docs.astral.sh/uv/) or python3-venv."
    .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --no-user \
      --require-hashes --only-binary=:all: -r requirements/uv.txt >&2 ||
      fail "uv could not be installed. Install it (https://docs.astral.sh/uv/) and try again."
  fi
  printf '%s\n' "$PWD/$own"
}

# Prints the program of a browser (for WebKit, the one that drives it), named by Debian's package;
# nothing when the machine has none. CHROMIUM, FIREFOX and WEBKIT_DRIVER name another.
find_browser() {
  local chosen candidate
  case $1 in
    chromium)
      chosen=${CHROMIUM:-}
      set -- chromium chromium-browser google-chrome \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
        /Applications/Chromium.app/Contents/MacOS/Chromium
      ;;
    firefox-esr)
      chosen=${FIREFOX:-}
      set -- firefox-esr /Applications/Firefox.app/Contents/MacOS/firefox
      # A snap cannot read the profile that it is given.
      [[ -e /snap/bin/firefox ]] || set -- "$@" firefox
      ;;
    webkit2gtk-driver)
      chosen=${WEBKIT_DRIVER:-}
      set -- WebKitWebDriver
      ;;
  esac
  [[ -z $chosen ]] || set -- "$chosen"
  for candidate; do
    command -v "$candidate" && return
  done
  [[ -z $chosen ]] || fail "$chosen is not a program, so it cannot be the browser."
}
