#!/usr/bin/env bash
# Installs what is missing on Debian and Ubuntu, and says elsewhere what is needed.
#
#     scripts/setup.sh GROUP...      build, window, test, cuda or clips
#
# Does nothing, and needs no rights, where nothing is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Debian packages; `package:command` where a command, however installed, does as well.
packages_of() {
    case $1 in
    build) echo gcc:cc libc6-dev pkg-config:pkg-config libasound2-dev ;;
    # What the window loads while it runs: OpenGL, X11, Wayland, and D-Bus for file dialogs.
    window)
        echo libgl1 libegl1 libgl1-mesa-dri libxkbcommon0 libxkbcommon-x11-0
        echo libx11-6 libx11-xcb1 libxcb1 libxcursor1 libxi6 libxrender1
        echo libwayland-client0 libwayland-egl1 libdbus-1-3
        ;;
    # Sound files to decode, and a display, hands and eyes for the real window.
    test) echo ffmpeg:ffmpeg sox:sox xvfb:Xvfb xdotool:xdotool imagemagick:import ;;
    # nvcc calls g++; wheels bring all else.
    cuda) echo gcc:gcc g++:g++ python3-venv ;;
    clips) echo fluidsynth:fluidsynth fluid-soundfont-gm python3-numpy python3-soundfile ;;
    esac
}

is_there() {
    local package=${1%%:*} command=${1#*:}
    if [[ $1 == *:* ]]; then
        command -v "$command" >/dev/null
    elif [[ $package == python3-venv ]]; then
        "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null
    elif [[ $package == python3-* && -n ${PYTHON:-} ]]; then
        "$PYTHON" -c "import ${package#python3-}" 2>/dev/null
    else
        # One line an architecture.
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed
    fi
}

install() {
    local apt=(apt-get -o DPkg::Lock::Timeout=120)
    local as_root=(env DEBIAN_FRONTEND=noninteractive)
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            echo "These packages are missing; let an administrator install them:" >&2
            echo "    apt-get install $*" >&2
            exit 1
        fi
        as_root=(sudo "${as_root[@]}")
    fi
    echo "Installing what is missing: $*"
    # A single broken source must not keep the others from serving.
    "${as_root[@]}" "${apt[@]}" -q update || echo "Some package lists could not be updated." >&2
    "${as_root[@]}" "${apt[@]}" -q -y --no-install-recommends install "$@"
}

packages() {
    local group entry missing=()
    for group in "$@"; do
        for entry in $(packages_of "$group"); do
            is_there "$entry" || missing+=("${entry%%:*}")
        done
    done
    if ((${#missing[@]})); then install "${missing[@]}"; fi
}

# Where there is no dpkg only commands can be looked for.
advice() {
    local group
    for group in "$@"; do
        case "$(uname -s) $group" in
        "Darwin build") cc --version >/dev/null 2>&1 || echo "Needed: xcode-select --install" ;;
        "Darwin window") ;;
        "Darwin test") all_there ffmpeg sox || echo "Needed by tests: brew install ffmpeg sox" ;;
        "Darwin clips") all_there fluidsynth ||
            echo "Needed: fluidsynth, the soundfont FluidR3 GM, Python with numpy and soundfile" ;;
        *" build") all_there cc pkg-config && pkg-config --exists alsa ||
            echo "Needed: a C compiler, pkg-config and ALSA's headers (alsa-lib-devel, alsa-lib)" ;;
        *" cuda") all_there gcc g++ python3 || echo "Needed: gcc, g++, Python 3 with venv" ;;
        *" test") all_there ffmpeg sox Xvfb xdotool import ||
            echo "Needed by tests: ffmpeg, sox, Xvfb, xdotool, ImageMagick" ;;
        *" clips") all_there fluidsynth ||
            echo "Needed: fluidsynth, the soundfont FluidR3 GM, Python with numpy and soundfile" ;;
        esac
    done
}

all_there() {
    local command
    for command in "$@"; do command -v "$command" >/dev/null || return 1; done
}

rust() {
    local needed found
    needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if ! found=$(cargo --version 2>/dev/null); then
        echo "Rust is missing. https://rustup.rs tells how to install it; usually:" >&2
        echo "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2
        echo "and then the same make command again." >&2
        exit 1
    fi
    found=$(cut -d' ' -f2 <<<"$found")
    if [[ $(printf '%s\n' "$needed" "${found%%-*}" | sort -V | head -n1) != "$needed" ]]; then
        echo "Rust $needed or later is needed, this is $found. With rustup: rustup update stable" >&2
        echo "(https://rustup.rs, where Rust came from elsewhere), then the same command again." >&2
        exit 1
    fi
}

for group in "$@"; do
    case $group in
    build | window | test | cuda | clips) ;;
    *) echo "usage: scripts/setup.sh [build] [window] [test] [cuda] [clips]" >&2 && exit 2 ;;
    esac
done
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    packages "$@"
else
    advice "$@"
fi
if [[ " $* " == *" build "* ]]; then rust; fi
