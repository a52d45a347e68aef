#!/bin/bash
#SBATCH --job-name=mmx
#SBATCH --array=0-15
#SBATCH --cpus-per-task=4
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=mmx-%A-%a.log
# Captions a folder of photographs with 16 tasks.
#
#   sbatch slurm.sh PHOTOS OUTPUT [OPTIONS OF mmx caption]
#   mmx merge OUTPUT/shard-*/ --output OUTPUT/merged      # when all tasks are done
#
# Task n writes OUTPUT/shard-n. mmx takes its shard from Slurm's SLURM_ARRAY_TASK_... variables. MMX=/path/to/mmx names
# the program where it is not in PATH.
#
# A task that was killed goes on where it was. Slurm itself starts it again after a preemption or a node's failure.
# After another failure (too little memory, say), `scontrol requeue ARRAYJOB_n` does. Where Slurm has forgotten the job,
# submit a part of the array. Slurm's variables count that part only, so SHARDS has to say how many there are in all:
#
#   SHARDS=16 sbatch --array=3,7 slurm.sh PHOTOS OUTPUT
set -u
photos=${1:?PHOTOS is missing} output=${2:?OUTPUT is missing}
shift 2
[ -z "${SHARDS:-}" ] || set -- "$@" --shard "$((SLURM_ARRAY_TASK_ID + 1))/$SHARDS"

export MMX_THREADS=${SLURM_CPUS_PER_TASK:-1}
mkdir -p "$output"
"${MMX:-mmx}" caption "$photos" --explain-all "$@" --output "$output/shard-$SLURM_ARRAY_TASK_ID"
code=$?

# 7: the shard is done, but some photographs failed. Each has a record with an "error". To run it again gives the same,
# so for Slurm the task has succeeded.
if [ $code = 7 ]; then
    echo "some photographs failed: see \"error\" in $output/shard-$SLURM_ARRAY_TASK_ID/results.jsonl" >&2
    exit 0
fi
exit $code
