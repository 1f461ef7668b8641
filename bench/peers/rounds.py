# SPDX-License-Identifier: MIT
"""What bench/run-tls and bench/run-files have in common: building, turns, medians, tables."""

import argparse
import collections
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "bench" / "peers"
BUILT = ROOT / "build" / "bench" / "bench" / "asyncio"
BUILT_PEERS = BUILT.parent / "peers"
PROCESSORS = sorted(os.sched_getaffinity(0))
LIMIT = "raw"


def parser(doc):
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--only", default="", metavar="REGEX", help="of 'workload peer'")
    made.add_argument("--out", metavar="FILE", help="every single value, a line each")
    made.add_argument("--no-build", action="store_true")
    return made


def build(targets, commands):
    """Ours, and the peers: {name: command}. Returns the names of those that cannot be built."""
    BUILT_PEERS.mkdir(parents=True, exist_ok=True)
    run_quietly("cmake --preset bench", check=True)
    run_quietly(make(targets), check=True)
    failed = set()
    for peer, command in commands.items():
        error = run_quietly(command, check=False)
        if error:
            failed.add(peer)
            print(f"{peer}: not built, left out: {error[-300:]}", file=sys.stderr)
    return failed


def make(targets):
    return f"cmake --build --preset bench --target {targets}"


def run_quietly(command, check):
    done = subprocess.run(command, shell=True, cwd=ROOT, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode == 0:
        return ""
    if check:
        sys.exit(f"{command}\n{done.stderr}")
    return done.stderr.strip() or f"exit code {done.returncode}"


def pinned_to(*processors):
    return lambda: os.sched_setaffinity(0, processors)


class Figures:
    """Values of each workload, peer and metric, and what they come to."""

    def __init__(self, options):
        self.only = re.compile(options.only)
        self.log = open(options.out, "a", encoding="utf-8") if options.out else None
        self.values = collections.defaultdict(lambda: collections.defaultdict(dict))

    def wants(self, workload, peer):
        return self.only.search(f"{workload} {peer}") is not None

    def note(self, workload, peer, metric, value, unit):
        self.values[workload][peer].setdefault(metric, []).append(value)
        if self.log:
            print(peer, workload, "-", metric, f"{value:.3f}", unit, file=self.log, flush=True)

    def in_turns(self, rounds, turns):
        """turns: [(workload, peer, work)]: all of them, round by round."""
        wanted = [turn for turn in turns if self.wants(turn[0], turn[1])]
        for number in range(rounds):
            for workload, peer, work in wanted:
                try:
                    work()
                except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                    print(f"{workload} {peer}: {error}", file=sys.stderr)
            print(f"round {number + 1} of {rounds}", file=sys.stderr)

    def print_tables(self, key):
        for workload, peers in self.values.items():
            self.print_table(workload, peers, key)

    @staticmethod
    def print_table(workload, peers, key):
        medians = {peer: {metric: statistics.median(values) for metric, values in metrics.items()}
                   for peer, metrics in peers.items()}
        metrics = list(dict.fromkeys(metric for of in medians.values() for metric in of))
        limit = medians.get(LIMIT, {}).get(key)
        rounds = max(len(of[key]) for of in peers.values())
        print(f"\n### {workload}, rounds: {rounds}\n")
        print(f"| peer | {' | '.join(metrics)} | {key} / {LIMIT} | spread of {key} |")
        print("|---" * (len(metrics) + 3) + "|")
        for peer in sorted(medians, key=lambda peer: medians[peer][key]):
            own = medians[peer]
            cells = [f"{own[metric]:,.0f}" if metric in own else "-" for metric in metrics]
            ratio = f"{own[key] / limit:.2f}" if limit else "-"
            values = peers[peer][key]
            spread = f"{(max(values) - min(values)) / own[key]:.0%}"
            print(f"| {peer} | {' | '.join(cells)} | {ratio} | {spread} |")
