"""The soak itself: a short one passes, and what is lost is found."""

import os
import subprocess
import sys

from bench.soak import Run, Sample, compare, judge, percentile
from tests.conftest import ROOT


def test_a_short_soak_keeps_every_promise():
    environment = os.environ | {"SOAK_SECONDS": "6", "SOAK_USERS": "200"}
    command = [sys.executable, "-m", "bench.soak"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    for line in (
        "| errors | 0 | 0 | yes |",
        "| database after it | ok | ok | yes |",
        "push: create",
        "portal: users",
    ):
        assert line in run.stdout


def test_a_write_that_is_lost_is_found():
    known = {"kept": ("a", True), "old": ("b", True), "gone": ("c", True), "deleted": None, "back": None}
    found = {"kept": ("a", True), "old": ("a", True), "back": ("d", False)}
    assert [line.split(":")[0] for line in compare(known, found)] == ["back", "gone", "old"]


def judged(took=(10,), errors=(), memory=(100, 100, 100), wal=8.0, lost=(), soundness="ok", seconds=180, files=50):
    samples = [Sample(n, each, wal, files * (1 + n // 2), 20) for n, each in enumerate(memory)]
    run = Run(None, None, "", 0, {"push: create": list(took)}, list(errors), samples=samples)
    return {name for name, *_, is_kept in judge(run, seconds, 1.0, list(lost), soundness) if not is_kept}


def test_each_promise_can_be_broken():
    assert judged(files=0) == set()
    assert judged(errors=["x"], files=0) == {"errors"}
    assert judged(lost=["x"], files=0) == {"acknowledged writes lost"}
    assert judged(soundness="page 7", files=0) == {"database after it"}
    assert judged(took=[1_500] * 10, files=0) == {"99 of 100 requests of each kind"}
    assert judged(memory=(210, 210, 210), files=0) == {"memory, largest"}
    assert judged(memory=(100, 100, 120), files=0) == {"memory, growth after warm-up"}
    assert judged(wal=65, files=0) == {"write-ahead log, largest"}
    assert judged(files=50) == {"files, growth after warm-up"}
    assert judged(memory=(100, 100, 120), files=50, seconds=60) == set()


def test_a_percentile_of_few_is_the_slowest():
    assert percentile([3, 1, 2], 99) == 3
    assert percentile(range(1000), 50) == 500
