#!/bin/bash
# Tries slurm.sh on a real Slurm: a controller and two nodes, on this machine, in a temporary folder.
#
#   apt-get install slurm-wlm munge
#   Examples/cluster/slurm-test.sh MMX PHOTOS [OPTIONS OF mmx caption]      # as root
#
# A task has to last 4 s or more, to be killed after its first checkpoint: 600 photographs, or 200 with --beam 100.
# Two tasks lose their mmx to SIGKILL, one is requeued while it runs, and one loses its node. The merged folder has to
# equal the folder of one run without Slurm.
set -u
here=$(cd "$(dirname "$0")" && pwd)
mmx=$(realpath "${1:?MMX is missing}") photos=$(realpath "${2:?PHOTOS is missing}")
shift 2
dir=$(mktemp -d /tmp/mmx-slurm-XXXXXX) job='' ok=''
declare -A daemon

say() { echo "$(date +%T) $*"; }
fail() { echo "slurm-test.sh: $*" >&2; exit 1; }
until_true() { # MESSAGE COMMAND...: waits up to 10 minutes for a command to succeed
    local message=$1 i; shift
    for ((i = 0; i < 12000; i++)); do "$@" && return; sleep 0.05; done
    fail "waited in vain: $message"
}
clean() {
    [ -z "$job" ] || { scancel --signal=KILL --full "$job"; scancel "$job"; sleep 3; } 2>/dev/null
    kill "${daemon[@]}" 2>/dev/null
    wait 2>/dev/null
    if [ "$ok" ]; then rm -rf "$dir"; else echo "slurm-test.sh: the logs are in $dir" >&2; fi
}
trap clean EXIT
trap 'exit 130' INT TERM

type munged slurmctld slurmd sbatch >/dev/null || fail "first: apt-get install slurm-wlm munge"
# cred_expire is also how long a requeued task waits before it starts; the default is two minutes.
mkdir -p "$dir"/{state,logs} && chmod 755 "$dir"
cat >"$dir/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=17010
SlurmUser=root
AuthInfo=socket=$dir/munge.sock,cred_expire=5
MinJobAge=3600
KillWait=10
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/%n.pid
SlurmdSpoolDir=$dir/%n
StateSaveLocation=$dir/state
ProctrackType=proctrack/linuxproc
NodeName=node[1-2] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[17011-17012] CPUs=1
PartitionName=all Nodes=node[1-2] Default=YES
END
export SLURM_CONF=$dir/slurm.conf MMX=$mmx
head -c 128 /dev/urandom >"$dir/key" && chmod 600 "$dir/key"
start() { "${@:2}" >>"$dir/logs/$1.out" 2>&1 & daemon[$1]=$!; } # NAME COMMAND...
start munged munged -F --num-threads=4 --key-file="$dir/key" --seed-file="$dir/seed" --socket="$dir/munge.sock" \
    --pid-file="$dir/munged.pid" --log-file="$dir/logs/munged.log"
until_true "munged" test -S "$dir/munge.sock"
start slurmctld slurmctld -D
for node in node1 node2; do start $node slurmd -D -N $node; done
idle() { [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | wc -l)" = 2 ]; }
until_true "two idle nodes" idle

say "one run without Slurm"
"$mmx" caption "$photos" --explain-all "$@" --output "$dir/one" >"$dir/logs/one.log" 2>&1
code=$?
[ $code = 0 ] || [ $code = 7 ] || fail "the run without Slurm ended with $code"

cd "$dir/logs" || exit 1
submit() { sbatch --parsable --cpus-per-task=1 "$@"; }
job=$(submit "$here/slurm.sh" "$photos" "$dir/out" "$@") || fail "sbatch failed"
say "job $job: $(wc -l <"$dir/one/results.jsonl") photographs, 16 tasks"

task() { squeue -h -t all -j "${job}_$1" -o "$2"; }
kept() { sed -n 's/.*"photographs" *: *\([0-9]*\).*/\1/p' "$dir/out/shard-$1/checkpoint.json" 2>/dev/null; }
is() { [ "$(task "$1" %T)" = "$2" ]; }
begun() { [ "$(kept "$1")" ] || { is "$1" FAILED && fail "task $1: $(tail -n 3 mmx-*-"$1".log)"; }; }
mmx_of() { pgrep -f -- "--output $dir/out/shard-$1\$" || fail "task $1 was done too soon: more photographs"; }

for n in 1 4; do
    until_true "task $n" begun $n
    pid=$(mmx_of $n) && kill -KILL $pid || exit 1
    until_true "task $n fails" is $n FAILED
    say "task $n: mmx killed after $(kept $n) photographs; requeued"
    scontrol requeue "${job}_$n" || fail "scontrol requeue"
done

until_true "task 7" begun 7
mmx_of 7 >/dev/null || exit 1
scontrol requeue "${job}_7" || fail "scontrol requeue"
say "task 7: requeued while it runs, after $(kept 7) photographs"

# A node is lost: its slurmd and all that runs on it end at once, and the controller is told (else it waits 5 minutes).
until_true "task 10" begun 10
pid=$(mmx_of 10) || exit 1
node=$(task 10 %N)
script=$(ps -o ppid= -p "${pid%%$'\n'*}") step=$(ps -o ppid= -p $script)
{ kill -KILL "${daemon[$node]}" $step $script $pid; wait "${daemon[$node]}"; } 2>/dev/null
scontrol update nodename="$node" state=down reason=lost || fail "scontrol update"
say "task 10: $node lost after $(kept 10) photographs"
start "$node" slurmd -D -N "$node"
scontrol update nodename="$node" state=resume

ended() { [ -z "$(squeue -h -t pending,running,completing,suspended -j "$job")" ]; }
until_true "the job" ended
squeue -h -t all -r -j "$job" -o '%K %T' >"$dir/logs/states"
[ "$(grep -c COMPLETED "$dir/logs/states")" = 16 ] || fail "not all tasks completed: $(tr '\n' ' ' <"$dir/logs/states")"
for n in 1 4 7 10; do
    scontrol show job "${job}_$n" | grep -q 'Restarts=1 ' || fail "task $n did not run twice"
    grep -q 'done before' mmx-*-$n.log || fail "task $n did not go on where it was"
done

# times.jsonl holds the time of each photograph. All else has to be equal, the maps and run.json too: mmx merge writes
# shard 1/1 there, and both runs name the same folder of photographs.
compare() {
    "$mmx" merge "$dir"/out/shard-*/ --output "$dir/$1" || fail "mmx merge ended with $?"
    diff -r -x times.jsonl "$dir/one" "$dir/$1" || fail "$1: not what one run writes"
    say "$1: equal to one run"
}
compare merged

rm -r "$dir/out/shard-5"
"$mmx" merge "$dir"/out/shard-*/ --output "$dir/without" >/dev/null 2>&1 && fail "mmx merge did not miss shard 5"
job=$(SHARDS=16 submit --wait --array=5 "$here/slurm.sh" "$photos" "$dir/out" "$@") || fail "task 5 alone failed"
job=${job%%;*}
compare merged-again
ok=yes
