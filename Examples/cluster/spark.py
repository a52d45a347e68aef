"""Captions photographs with Spark and writes JSON lines.

    spark-submit spark.py NAMES OUTPUT            # NAMES: a text file with a photograph's path on each line
    spark-submit spark.py --bytes FOLDER OUTPUT   # FOLDER: photographs wherever Spark reads

Without --bytes, every executor opens the photographs itself, so it has to see their paths. With --bytes, Spark reads
them, and mmx gets their bytes. Needs mmx on every executor, and for --bytes pandas and pyarrow too.
"""
import argparse
import base64
import itertools
import json
import os
import queue
import shlex
import subprocess
import threading

from pyspark.sql import SparkSession

PHOTOGRAPHS = "*.{jpg,jpeg,png,JPG,JPEG,PNG}"
DONE = (0, 7)  # 7: done, but some photographs failed; their records have an "error"


def caption_names(spark, names, output, command, environment, partitions):
    # A name can begin with a brace, so each one is sent as JSON.
    lines = spark.sparkContext.textFile(names, partitions).map(lambda name: json.dumps({"image": name}))
    # checkCode: without it, an mmx that dies loses photographs silently. The shell turns 7 into success.
    shell = shlex.join(["sh", "-c", '"$@" || [ $? = 7 ]', "sh", *command])
    lines.pipe(shell, env=environment, checkCode=True).saveAsTextFile(output)


def caption_bytes(spark, folder, output, command, environment, partitions):
    def caption(batches):
        import pandas

        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment}
        )
        names, failures = queue.SimpleQueue(), []

        # A thread writes while this one reads. With one thread, both pipes would fill up and nothing would go on.
        def write():
            try:
                with process.stdin:
                    for batch in batches:
                        for name, content in zip(batch.path, batch.content):
                            names.put(name)
                            record = {"name": name, "bytes": base64.b64encode(content).decode()}
                            process.stdin.write(json.dumps(record).encode() + b"\n")
            except Exception as error:
                failures.append(error)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        try:
            # mmx answers in the order of its input.
            while lines := list(itertools.islice(process.stdout, 64)):
                records = [json.loads(line) for line in lines]
                yield pandas.DataFrame({
                    "name": [names.get() for _ in records],
                    "caption": [record.get("caption") for record in records],
                    "error": [record.get("error") for record in records],
                })
            writer.join()
            if process.wait() not in DONE:
                raise RuntimeError(f"{command[0]} ended with {process.returncode}")
            if failures:
                raise failures[0]
            if not names.empty():
                raise RuntimeError(f"{command[0]} did not answer for {names.get()}")
        finally:
            process.kill()

    # A batch of Arrow records is in memory as a whole.
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 16)
    spark.conf.set("spark.sql.files.minPartitionNum", partitions)
    reader = spark.read.format("binaryFile").option("pathGlobFilter", PHOTOGRAPHS).option("recursiveFileLookup", True)
    photographs = reader.load(folder).select("path", "content")
    photographs.mapInPandas(caption, "name string, caption string, error string").write.json(output)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bytes", action="store_true", help="send the photographs' bytes")
parser.add_argument("--mmx", default="mmx", help="the command on the executors (default: mmx)")
parser.add_argument("--partitions", type=int, default=16, help="at least so many; each starts mmx once (default: 16)")
parser.add_argument("input")
parser.add_argument("output")
arguments = parser.parse_args()

spark = SparkSession.builder.appName("mmx").getOrCreate()
# Spark starts one mmx for each task, so mmx uses as many threads as a task has cores.
threads = spark.conf.get("spark.task.cpus", "1")
environment = {"PATH": os.environ["PATH"], "MMX_THREADS": threads}
run = caption_bytes if arguments.bytes else caption_names
run(spark, arguments.input, arguments.output, [*shlex.split(arguments.mmx), "caption", "-", "--jsonl"], environment,
    arguments.partitions)
spark.stop()
