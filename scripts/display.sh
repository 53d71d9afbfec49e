#!/usr/bin/env bash
# Says so where a window can't be opened for want of a display.
set -euo pipefail
if [[ $(uname -s) == Linux && -z ${DISPLAY:-}${WAYLAND_DISPLAY:-}${WAYLAND_SOCKET:-} ]]; then
    cat >&2 <<'TEXT'
There is no display to open the window on (neither DISPLAY nor WAYLAND_DISPLAY is set).
  - At a computer with a screen: start it from a terminal of the desktop session.
  - On another computer over the network: log in with `ssh -X`, then `make run`.
  - On a virtual display that nobody sees: `xvfb-run make run` (Debian package xvfb).
  - Without any: `make demo` does the same work and writes two WAVs and a figure.
TEXT
    exit 1
fi
