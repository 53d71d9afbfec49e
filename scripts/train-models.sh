#!/usr/bin/env bash
# The commands that made the weights in models-safetensors/:
#   scripts/train-models.sh DATA FOLDER
# DATA is a data set with a manifest.csv; FOLDER gets the synthesised clips, weights, logs and
# checkpoints. Run again, it goes on where it was. Without arguments it prints the commands.
# Needs Python with numpy (PYTHON=...), and MONDEGREEN=... or mondegreen on the path.
set -euo pipefail

data=${1:-DATA}
folder=${2:-FOLDER}
program=${MONDEGREEN:-mondegreen}
more=$folder/corpus-and-synthesised

do_it() {
	printf '%s\n' "$*"
	if [[ $data != DATA ]]; then
		"$@"
	fi
}

# train OUT MODEL DATA OPTIONS...
train() {
	local out=$folder/$1.safetensors model=$2 from=$3
	shift 3
	do_it "$program" train --model "$model" --data "$from" --out "$out" --validation 0.06 "$@"
}

if [[ $data != DATA ]]; then
	mkdir -p "$folder/first"
fi
do_it "${PYTHON:-python3}" "$(dirname "$0")/synthesise.py" "$data" "$more"

# VGG13 and CRNN were begun before there were synthesised clips.
train first/vgg13 vgg13 "$data" --epochs 30 --crop 0.5
train vgg13 vgg13 "$more" --start "$folder/first/vgg13.safetensors" \
	--epochs 6 --crop 0.5 --full-from 0.5 --learning-rate 3e-4
train crnn crnn "$data" --start "$folder/first/vgg13.safetensors" \
	--epochs 10 --crop 0.5 --full-from 0.7 --learning-rate 4e-4
train gcnn gcnn "$more" --epochs 22 --crop 0.5
train first/dense-mel dense-mel "$more" --epochs 36 --crop 0.5 --learning-rate 2e-3
train dense-mel dense-mel "$more" --start "$folder/first/dense-mel.safetensors" \
	--epochs 5 --crop 0.5 --full-from 0.4 --learning-rate 4e-4 --mixup 0.2
train dense-wav dense-wav "$more" --epochs 28 --crop 0.5 --learning-rate 2e-3
