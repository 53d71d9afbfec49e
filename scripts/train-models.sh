#!/usr/bin/env bash
# The commands that made the weights in models-safetensors/, smallest model first:
#   scripts/train-models.sh DATA FOLDER
# DATA is the data set, FOLDER gets weights, logs and checkpoints; run again, it goes on where it was.
# Without arguments it prints the commands.
set -euo pipefail

data=${1:-DATA}
folder=${2:-FOLDER}
program=${MONDEGREEN:-mondegreen}

train() {
	local model=$1
	shift
	local command=("$program" train --model "$model" --data "$data" --out "$folder/$model.safetensors" "$@")
	printf '%s\n' "${command[*]}"
	if [[ $data != DATA ]]; then
		"${command[@]}"
	fi
}

train vgg13 --epochs 30 --crop 0.5 --validation 0.06
