#!/usr/bin/env bash
# Keeps what a run has found in docs/results/runs, so that it can go on on any machine:
#
#     scripts/keep-rows.sh RUN...
#
# Where the data set lies on this machine is not kept; `--data` says it where the run goes on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

(($#)) || { echo "usage: scripts/keep-rows.sh RUN..." >&2 && exit 2; }
for run in "$@"; do
    [[ -f $run/experiment.toml ]] || { echo "$run is no run's folder" >&2 && exit 1; }
    data=$(sed -n 's/^data = "\(.*\)"$/\1/p' "$run/experiment.toml" | head -n 1)
    kept=docs/results/runs/$(basename "$run")
    mkdir -p "$kept"
    if [[ $run -ef $kept ]]; then
        # A process that works there would go on writing into files that are gone.
        exec 9>>"$kept/.lock"
        flock -n 9 || { echo "a process works in $run: stop it first" >&2 && exit 1; }
    fi
    for file in experiment.toml survey.jsonl plan.jsonl results.jsonl environment.jsonl; do
        # Half a line of a row that is being written is cut off by the program.
        sed "s|\"${data:?}\"|\"$(basename "$data")\"|" "$run/$file" >"$kept/$file.new"
        mv "$kept/$file.new" "$kept/$file"
    done
    echo "$kept: $(wc -l <"$kept/results.jsonl") rows"
done
