"""How many messages a second several generators exchange with one echo server: `python -m tests.generators`.

The server and the reference are C (echo.c). The server keeps to one core, the generator to another; each generator is
one process, has 100 connections with one message of 64 bytes underway on each, and verifies its echoes. They take turns
in an order that is random in each round. What is printed is each one's rate as a share of C's within the same rounds.

Locust is measured where `--locust` names its program, in an environment with websocket-client as well. k6 is in none of
the places that this project installs from, and is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from echowall.bench.driving import generate
from echowall.bench.estimates import estimate
from echowall.bench.plan import Aim, Plan
from echowall.bench.rounds import cores

HERE = Path(__file__).parent
CONNECTIONS, BYTES, WARMUP = 100, 64, 1.0


@contextmanager
def compiled() -> Iterator[Path]:
    """The program that echo.c is."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "echo")
        subprocess.run(["cc", "-O2", "-o", program, HERE / "echo.c", "-lcrypto"], check=True)
        yield program


@contextmanager
def serving(program: Path, server_cores: set[int]) -> Iterator[int]:
    """The server; gives its port."""
    with subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            if server_cores:
                os.sched_setaffinity(server.pid, server_cores)
            yield int(server.stdout.readline())
        finally:
            server.kill()


def by_c(program: Path, port: int, seconds: float, core: int | None) -> float:
    words = [str(program), "load", str(port), str(CONNECTIONS), str(BYTES), str(seconds)]
    return float(_run(words, core, seconds))


def by_echo_wall(port: int, seconds: float, core: int | None) -> float:
    aim = Aim(url=f"ws://127.0.0.1:{port}/")
    plan = Plan(aim=aim, connections=CONNECTIONS, rate=None, size=BYTES, warmup=WARMUP, seconds=seconds, core=core)
    report = asyncio.run(generate(plan))
    if report.trouble or report.ended or report.errors.total:
        sys.exit(f"no fair measurement: {report.trouble or report.ended or report.errors}")
    return report.achieved


def by_locust(locust: str, port: int, seconds: float, core: int | None) -> float:
    with tempfile.TemporaryDirectory() as folder:
        words = [locust, "--headless", "--locustfile", str(HERE / "locustfile.py"), "--users", str(CONNECTIONS)]
        words += [
            "--spawn-rate",
            str(CONNECTIONS),
            "--run-time",
            f"{WARMUP + seconds:g}s",
            "--json",
            "--loglevel",
            "ERROR",
        ]
        environment = {"ECHO_URL": f"ws://127.0.0.1:{port}/", "ECHO_BYTES": str(BYTES), "HOME": folder}
        [found] = json.loads(_run(words, core, seconds, environment))
    if found["num_failures"]:
        sys.exit(f"no fair measurement: {found['num_failures']} failures")
    counts: dict[str, int] = found["num_reqs_per_sec"]
    whole = [counts[second] for second in sorted(counts, key=int)[1:-1]]  # the first second and the last are not whole
    return sum(whole) / len(whole)


def _run(words: list[str], core: int | None, seconds: float, environment: dict[str, str] | None = None) -> str:
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | (environment or {})
    ) as process:
        try:
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            said, complaint = process.communicate(timeout=seconds + 60)
        finally:
            process.kill()
    if process.returncode:
        sys.exit(f"{words[0]} failed with {process.returncode}: {complaint.strip()}")
    return said


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.generators", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--locust", help="the program `locust`")
    options = parser.parse_args()
    core, server_cores = cores()
    with compiled() as program, serving(program, set(server_cores)) as port:
        generators: dict[str, Callable[[], float]] = {
            "C": lambda: by_c(program, port, options.seconds, core),
            "Echo Wall": lambda: by_echo_wall(port, options.seconds, core),
        }
        if options.locust:
            generators["Locust"] = lambda: by_locust(options.locust, port, options.seconds, core)
        found: dict[str, list[float]] = {name: [] for name in generators}
        for number in range(1, options.rounds + 1):
            for name in random.sample(list(generators), len(generators)):
                found[name].append(generators[name]())
            print(f"round {number}:", ", ".join(f"{name} {rates[-1]:,.0f}/s" for name, rates in found.items()))
    for one, other in (("Echo Wall", "C"), ("Echo Wall", "Locust")):
        if other in found:
            ratio = estimate([ours / theirs for ours, theirs in zip(found[one], found[other], strict=True)], 1)
            assert ratio
            print(f"{one} to {other}: {ratio.mean:.2f} ({ratio.low:.2f}–{ratio.high:.2f}) over {ratio.rounds} rounds")


if __name__ == "__main__":
    main()
