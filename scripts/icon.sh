#!/bin/sh
# Draws assets/icon.png with ImageMagick: a tone that turns into another.
set -eu
cd "$(dirname "$0")/.."
teal='' coral=''
i=0
while [ $i -le 96 ]; do
    # A slow sine on the left, a faster one on the right, in a window of 44 to 212.
    point=$(awk -v i=$i 'BEGIN { x = 40 + 88 * i / 96; y = 128 - 52 * sin(3.14159 * i / 48); printf "%.2f,%.2f ", x, y }')
    teal="$teal$point"
    point=$(awk -v i=$i 'BEGIN { x = 128 + 88 * i / 96; y = 128 - 52 * sin(3.14159 * i / 48) - 22 * sin(3.14159 * i / 8) * sin(3.14159 * i / 96); printf "%.2f,%.2f ", x, y }')
    coral="$coral$point"
    i=$((i + 1))
done
convert -size 256x256 xc:none \
    -fill '#14181e' -stroke '#29303a' -strokewidth 4 -draw 'roundrectangle 6,6 249,249 54,54' \
    -fill none -strokewidth 15 \
    -stroke '#5bcfd3' -draw "stroke-linecap round stroke-linejoin round polyline $teal" \
    -stroke '#ff7a59' -draw "stroke-linecap round stroke-linejoin round polyline $coral" \
    -strip assets/icon.png
