#!/bin/bash
# Tries spark.py on a Spark cluster of three executors on this machine. One executor is killed while it works.
#
#   Examples/cluster/spark-test.sh MMX PHOTOS [VENV]      # needs Java 17; 100 photographs or more
#
# VENV (.build/cluster-venv) gets pyspark, pandas and pyarrow from PyPI. The result has to hold each photograph once,
# with what `mmx caption - --jsonl` says of it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
mmx=$(realpath "${1:?MMX is missing}") photos=$(realpath "${2:?PHOTOS is missing}")
venv=$(realpath -m "${3:-$here/../../.build/cluster-venv}")
dir=$(mktemp -d /tmp/mmx-spark-XXXXXX) driver='' ok=''

say() { echo "$(date +%T) $*"; }
fail() { echo "spark-test.sh: $*" >&2; exit 1; }
clean() {
    [ -z "$driver" ] || { kill "$driver"; wait "$driver"; } 2>/dev/null # the executors end with their driver
    if [ "$ok" ]; then rm -rf "$dir" "$SPARK_HOME/work"; else echo "spark-test.sh: the logs are in $dir" >&2; fi
}
trap clean EXIT
trap 'exit 130' INT TERM

command -v java >/dev/null || fail "java is missing: apt-get install openjdk-17-jre-headless"
if ! "$venv/bin/python" -c 'import pyspark, pandas, pyarrow' 2>/dev/null; then
    python3 -m venv "$venv" || fail "no venv: apt-get install python3-venv"
    "$venv/bin/pip" install -q pyspark==4.1.4 pandas==2.3.3 pyarrow==21.0.0 || fail "pip install"
fi
SPARK_HOME=$("$venv/bin/python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
export SPARK_HOME PYSPARK_PYTHON=$venv/bin/python SPARK_LOCAL_IP=127.0.0.1

find "$photos" -type f | grep -iE '\.(jpg|jpeg|png)$' | sort >"$dir/names.txt"
say "$(wc -l <"$dir/names.txt") photographs, one mmx"
"$mmx" caption - --jsonl <"$dir/names.txt" >"$dir/plain"
code=$?
[ $code = 0 ] || [ $code = 7 ] || fail "mmx ended with $code"

executors() { pgrep -f -- "-Dmmx.test=$$ .*CoarseGrainedExecutorBackend"; }
busy() { # prints an executor that has an mmx below it
    local pid
    for pid in $(pgrep -f "$mmx caption - --jsonl"); do
        while [ "${pid:-1}" -gt 1 ]; do
            executors | grep -x "$pid" && return
            pid=$(ps -o ppid= -p "$pid" | tr -d ' ')
        done
    done
    return 1
}

try() { # NAME ARGUMENTS OF spark.py...
    local name=$1 victim; shift
    "$SPARK_HOME/bin/spark-submit" --master 'local-cluster[3,1,1024]' --conf spark.ui.enabled=false \
        --conf "spark.executor.extraJavaOptions=-Dmmx.test=$$ " \
        "$here/spark.py" --mmx "$mmx" --partitions 6 "$@" "$dir/$name" >"$dir/$name.log" 2>&1 &
    driver=$!
    until [ "$(executors | wc -l)" = 3 ] && busy >/dev/null; do
        kill -0 $driver 2>/dev/null || fail "$name: Spark ended before an executor could be killed"
        sleep 0.2
    done
    sleep 0.5
    victim=$(busy | head -1)
    kill -KILL "${victim:?no executor works}"
    say "$name: killed executor $victim"
    wait $driver || fail "$name: spark-submit failed: $(tail -3 "$dir/$name.log")"
    driver=''
    grep -q 'Lost task' "$dir/$name.log" || fail "$name: no task was lost; give more photographs"
    "$venv/bin/python" - "$dir/plain" "$dir/$name" <<'END' || fail "$name: not what one mmx writes"
import glob, json, sys
def load(paths):
    records = [json.loads(line) for path in paths for line in open(path, encoding="utf-8")]
    pairs = (((r.pop("image", None) or r.pop("name")).removeprefix("file:"), r) for r in records)
    return sorted(pairs, key=lambda pair: pair[0])
plain, result = load([sys.argv[1]]), load(glob.glob(sys.argv[2] + "/part-*"))
# A photograph's place counts within its partition. Spark leaves out a caption or an error that is null.
fields = (set(plain[0][1]) if sys.argv[2].endswith("names") else {"caption", "error"}) - {"index"}
plain, result = ([(name, {key: r.get(key) for key in fields}) for name, r in all] for all in (plain, result))
for record in plain:
    if result.count(record) != 1:
        print(result.count(record), "times:", record)
sys.exit(plain != result)
END
    say "$name: $(wc -l <"$dir/plain") photographs, each once, as one mmx writes them"
}
try names "$dir/names.txt"
try bytes --bytes "$photos"
ok=yes
