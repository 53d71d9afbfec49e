#!/bin/sh
# Makes screenshots/ from the real window on a virtual display (Xvfb, xdotool, ImageMagick).
set -eu
cd "$(dirname "$0")/.."
MONDEGREEN_SCREENSHOTS="$PWD/screenshots" \
    exec cargo test --release --test window -- --ignored --exact screenshots
