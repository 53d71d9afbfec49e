#!/bin/sh
# An experiment on N processes of this machine, with GNU parallel.
#
#   docs/cluster/gnu-parallel.sh RUN FILE.toml [N]
#
# Start it again after a stop: finished items are not done twice. With `--sshloginfile HOSTS` added
# to the call of parallel the same runs on several machines that share the folder RUN: give RUN and
# MONDEGREEN as absolute paths then.
set -eu
run=$1 config=$2 shards=${3:-4}
mondegreen=${MONDEGREEN:-mondegreen}

# Shares of another number have other items: what they did would be done again.
for share in "$run"/shards/*; do
    case "$share" in
    "$run/shards/*" | *-of-"$shards") ;;
    *)
        echo "$share is of another number of shares than $shards: give that number, or join them \
first ($mondegreen experiment merge $run $run/shards/*) and go on with $mondegreen experiment run $run" >&2
        exit 1
        ;;
    esac
done

# Goes on with what RUN has; the file counts at the first start only.
if [ -f "$run/experiment.toml" ]; then
    "$mondegreen" experiment plan "$run"
else
    "$mondegreen" experiment plan "$run" --config "$config"
fi

# A process that fails (killed, out of memory) is started again, three times in all.
seq "$shards" | parallel --quote --jobs "$shards" --retries 3 --line-buffer --tag \
    --joblog "$run/parallel.log" \
    "$mondegreen" experiment run "$run" --shard "{}/$shards" --threads 1 || true

"$mondegreen" experiment merge "$run" "$run"/shards/*-of-"$shards"
"$mondegreen" experiment report "$run"
