#!/bin/sh
# Measures how soon the real window is there, whether it draws when nothing moves, and how much
# memory it takes over 200 attacks, on a virtual display.
set -eu
cd "$(dirname "$0")/.."
exec cargo test --release --test window -- --ignored --exact --nocapture endurance::endurance
