#!/bin/sh
# Measures how long frames of the real window take, idle and while an attack runs, and whether the
# sound drops out, on a virtual display and a pretended sound card. Software draws there, on the
# processor that the attack needs, too: a graphics card leaves more room.
#
#     scripts/frame-times.sh [FILE]      keeps the line that was written for each frame in FILE
#
# IDLE and ATTACKING in the environment say how many seconds to measure (8 and 20), CLIP of which file
# (the bundled glockenspiel), MODEL and SEARCH what attacks it (vgg13, paper), WARM_UP how many
# seconds of the attack are over before it is measured (1).
set -eu
cd "$(dirname "$0")/.."
if [ $# -gt 0 ]; then
    MONDEGREEN_FRAME_TIMES=$1
    export MONDEGREEN_FRAME_TIMES
fi
exec cargo test --release --test window -- --ignored --exact --nocapture frame_times::frame_times
