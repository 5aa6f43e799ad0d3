"""Generators on the workers of a Dask cluster: the load of one run, from several processes or machines.

Each worker gets its share of the connections, and of the rate. When all connections are open, the workers are told a
time to begin at; it is translated into each one's own clock. Their histograms are merged. A worker that goes away in
the middle is told, and its share is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from echowall.bench import judging
from echowall.bench.driving import COUNT, LINE, START, GeneratorError, versions
from echowall.bench.plan import BEGIN, END, READY, Plan, Report
from echowall.check.wire import Target
from echowall.lab.lab import LabError
from echowall.results.model import Errors, Share

if TYPE_CHECKING:
    from distributed import Client, Future

#: How long the scheduler and the workers may take to answer, in seconds.
_PATIENCE = 10.0
#: How long before the time to begin it is told, in seconds.
_AHEAD = 0.3
#: How often it is seen whether workers have answered, and whether they are still there, in seconds.
_LOOK, _LOOK_FOR_WORKERS = 0.02, 0.5
#: How often a worker's clock is read, to find by how much it differs.
_READINGS = 5
_WENT = "went away"
_LOOPBACK = ("localhost", "127.", "::1", "[::1]")
_INSTALL = "install echowall[distributed] there, from the same checkout as here"


class Worker(NamedTuple):
    """A worker of the cluster, as far as it matters here."""

    address: str
    name: str
    """What the cluster calls it: its own name, or its address."""
    host: str
    """The name of its machine, or of its container."""
    ahead: int
    """By how many nanoseconds its clock is ahead of this machine's."""


class Fleet:
    """The workers of a cluster. Use it as a context manager."""

    def __init__(self, address: str) -> None:
        """`address` is the scheduler's, as in `tcp://127.0.0.1:8786`."""
        self.address = address
        self._client: Client | None = None
        self._known: dict[str, Worker] = {}

    def __enter__(self) -> Fleet:
        """Connect. Raises LabError where there is no Dask, no scheduler, no worker, or one that does not fit."""
        try:
            import distributed
            import tornado
            from distributed import Client
            from distributed.versions import VersionMismatchWarning
        except ImportError:
            raise LabError(
                "--scheduler needs Dask; install echowall[distributed], "
                "in a checkout by `.venv/bin/pip install --require-hashes -r requirements-distributed.txt`"
            ) from None
        for library in (distributed, tornado):  # they would write into the table that lives
            logging.getLogger(library.__name__).setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", category=VersionMismatchWarning)  # what matters is compared below
        try:
            with socket.create_connection(_place(self.address), _PATIENCE):
                pass  # a Client would try for as long as that, even where there is nobody
            self._client = Client(self.address, timeout=_PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise LabError(f"no Dask scheduler answers at {self.address}: {_words(error)}") from None
        try:
            self.workers()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._client:
            with contextlib.suppress(OSError, TimeoutError):
                self._client.close(timeout=_PATIENCE)  # type: ignore[no-untyped-call]

    def workers(self) -> list[Worker]:
        """Those that are there now. Raises LabError where there is none, or where one does not fit."""
        for address in self._addresses() - self._known.keys():
            self._known[address] = self._introduce(address)
        there = self._addresses()
        found = sorted((one for one in self._known.values() if one.address in there), key=lambda one: one.name)
        if not found:
            raise LabError(f"the Dask scheduler at {self.address} has no workers; start some, and run this again")
        return found

    def objection(self, target: Target) -> str | None:
        """Why the workers cannot load that endpoint; None where nothing is known to be in the way."""
        strangers = [one.name for one in self.workers() if one.host != socket.gethostname()]
        if not strangers or not target.host.startswith(_LOOPBACK):
            return None
        return (
            f"worker {strangers[0]} is not on this machine, and {target.host} is each machine's own address: "
            "name one that the workers reach as well"
        )

    async def generate(self, plan: Plan, begin: Callable[[], None], end: Callable[[], None]) -> Report:
        """Have the workers carry the plan out together; like driving.generate().

        Raises LabError where there is no worker any more, and GeneratorError where one fails.
        """
        workers = await asyncio.to_thread(self.workers)
        shares = [_Part(worker, part) for worker, part in zip(workers, split(plan, len(workers)), strict=False)]
        try:
            await self._prepare(shares)
            if trouble := next((one for one in shares if one.report and one.report.trouble), None):
                return Report(trouble=f"worker {trouble.worker.name}: {trouble.report.trouble}")  # type: ignore[union-attr]
            if all(one.gone for one in shares):
                raise LabError(f"worker {shares[0].worker.name} {shares[0].gone}, and there is no other")
            await self._carry_out(plan, shares, begin, end)
        finally:
            self._abandon([one for one in shares if one.prepared and one.report is None and one.gone != _WENT])
        return merged(shares)

    async def _prepare(self, shares: Sequence[_Part]) -> None:
        """Have all connections opened."""
        futures = {}
        for one in shares:
            one.prepared = True
            futures[one] = self._submit(one.worker, prepare, one.identifier, msgspec.json.encode(one.plan))
        for one, said in (await self._results(futures, START + shares[0].plan.within + _PATIENCE)).items():
            if said != READY.encode():
                one.report = msgspec.json.decode(said, type=Report)

    async def _carry_out(
        self, plan: Plan, shares: Sequence[_Part], begin: Callable[[], None], end: Callable[[], None]
    ) -> None:
        """Have the messages sent, and call `begin` and `end` when it is time."""
        loop = asyncio.get_running_loop()
        first = time.time_ns() + round(_AHEAD * 1e9)
        timers = [
            loop.call_later(_AHEAD + plan.warmup, begin),
            loop.call_later(_AHEAD + plan.warmup + plan.seconds, end),
        ]
        try:
            futures = {
                one: self._submit(one.worker, carry_out, one.identifier, first + one.worker.ahead)
                for one in shares
                if not one.gone
            }
            bound = _AHEAD + plan.bound + COUNT + _PATIENCE
            for one, said in (await self._results(futures, bound)).items():
                one.report = msgspec.json.decode(said, type=Report)
        finally:
            for timer in timers:
                timer.cancel()

    def _abandon(self, shares: Sequence[_Part]) -> None:
        """Have their generators stopped, within bounds."""
        client = self._client
        assert client  # noqa: S101

        def run() -> None:
            for one in shares:
                with contextlib.suppress(OSError, TimeoutError):
                    # Not as a task, for the worker may be busy with one.
                    client.run(abandon, one.identifier, workers=[one.worker.address], on_error="ignore")

        if shares:
            stopping = threading.Thread(target=run, daemon=True)
            stopping.start()
            stopping.join(_PATIENCE)

    async def _results(self, futures: dict[_Part, Future[bytes]], bound: float) -> dict[_Part, bytes]:
        """What the workers say; notes of those that went away, or that said nothing in time, that they are gone."""
        found: dict[_Part, bytes] = {}
        now = began = looked = time.monotonic()
        while waiting := [one for one in futures if one not in found and not one.gone]:
            for one in waiting:
                if _is_done(futures[one]):
                    found[one] = _result(one.worker, futures[one])
            now = time.monotonic()
            if now - looked > _LOOK_FOR_WORKERS:
                there, looked = await asyncio.to_thread(self._addresses), now
                for one in waiting:
                    if one.worker.address not in there and not _is_done(futures[one]):
                        one.gone = _WENT
            if now - began > bound:
                for one in waiting:
                    one.gone = one.gone or f"did not answer within {bound:g} s"
            await asyncio.sleep(_LOOK)
        return {one: said for one, said in found.items() if not one.gone}

    def _addresses(self) -> set[str]:
        """Where the workers are that the scheduler has now. Raises LabError where it does not say."""
        assert self._client  # noqa: S101
        try:
            return set(self._client.scheduler_info(n_workers=-1)["workers"])
        except (OSError, TimeoutError) as error:
            raise LabError(f"the Dask scheduler at {self.address} does not answer any more: {_words(error)}") from None

    def _introduce(self, address: str) -> Worker:
        """Get to know a worker. Raises LabError where it does not fit."""
        assert self._client  # noqa: S101
        listed = self._client.scheduler_info(n_workers=-1)["workers"].get(address, {})
        name = str(listed.get("name", address))
        worker = Worker(address, name, "", 0)
        host, libraries = self._ask(worker, identify)
        for library, here in versions().items():
            if libraries[library] != here:
                raise LabError(f"worker {name} has {library} {libraries[library]}, and not {here}: {_INSTALL}")
        readings = []
        for _ in range(_READINGS):
            before = time.time_ns()
            there = self._ask(worker, time.time_ns)
            after = time.time_ns()
            readings.append((after - before, there - (before + after) // 2))
        took, ahead = min(readings)
        # Within the accuracy of the reading, clocks are the same: NTP does better.
        return Worker(address, name, host, ahead if abs(ahead) > took // 2 else 0)

    def _ask(self, worker: Worker, function: Callable[..., Any]) -> Any:
        try:
            return self._submit(worker, function).result(timeout=_PATIENCE)
        except ImportError:
            raise LabError(f"worker {worker.name} has no Echo Wall that fits: {_INSTALL}") from None
        except (OSError, TimeoutError) as error:
            raise LabError(f"worker {worker.name} at {worker.address} does not answer: {_words(error)}") from None

    def _submit(self, worker: Worker, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        assert self._client  # noqa: S101
        return self._client.submit(function, *arguments, workers=[worker.address], retries=0, pure=False)


class _Part:
    """A worker's share of a run."""

    def __init__(self, worker: Worker, plan: Plan) -> None:
        self.worker, self.plan = worker, plan
        self.identifier = uuid.uuid4().hex
        self.prepared = False
        self.report: Report | None = None
        self.gone = ""
        """Why it is left out."""


def split(plan: Plan, workers: int) -> list[Plan]:
    """The plan in so many parts, or fewer, of at least one connection each. Rates are in proportion to connections."""
    count = min(workers, plan.connections)
    each, over = divmod(plan.connections, count)
    sizes = [each + (number < over) for number in range(count)]
    return [
        msgspec.structs.replace(
            plan,
            connections=size,
            rate=plan.rate and plan.rate * size / plan.connections,
            core=None,
            agreed=True,
        )
        for size in sizes
    ]


def merged(shares: Sequence[_Part]) -> Report:
    """The report of all workers together, without those that are gone."""
    reports = [one.report for one in shares if one.report]
    if not reports:
        return Report(trouble="; ".join(f"worker {one.worker.name} {one.gone}" for one in shares))
    return Report(
        ended=next((one.ended for one in reports if one.ended), ""),
        sent=sum(one.sent for one in reports),
        paced=sum(one.paced for one in reports),
        achieved=sum(one.achieved for one in reports),
        errors=Errors.together([one.errors for one in reports]),
        latency=_together(one.latency for one in reports),
        uncorrected=_together(one.uncorrected for one in reports),
        lateness=_together(one.lateness for one in reports),
        cpu=max(one.cpu for one in reports),
        starved=max(one.starved for one in reports),
        shares=[_share(one) for one in shares],
    )


def _share(part: _Part) -> Share:
    report = part.report or Report()
    return Share(
        worker=part.worker.name,
        host=part.worker.host,
        connections=part.plan.connections,
        offered=part.plan.rate,
        achieved=report.achieved,
        lateness=report.lateness,
        generator=report.cpu,
        starved=report.starved,
        cores=report.cores,
        gone=part.gone,
    )


def _together(histograms: Iterable[str]) -> str:
    encoded = [one for one in histograms if one]
    if not encoded:
        return ""
    return str(judging.together(encoded).encode().decode())


def _result(worker: Worker, future: Future[bytes]) -> bytes:
    """What it says. Raises GeneratorError where its generator failed."""
    try:
        return future.result(timeout=_PATIENCE)
    except GeneratorError as error:
        raise GeneratorError(f"worker {worker.name}: {error}") from None
    except Exception as error:
        raise GeneratorError(f"worker {worker.name}: {_words(error)}") from None


def _is_done(future: Future[bytes]) -> bool:
    done: bool = future.done()  # type: ignore[no-untyped-call]
    return done


def _place(address: str) -> tuple[str, int]:
    """A scheduler's host and port. Raises LabError for what is no address of one."""
    found = urlsplit(address)
    try:
        host, port = found.hostname, found.port
    except ValueError:
        host, port = None, None
    if found.scheme != "tcp" or not host or not port:
        raise LabError(f"--scheduler {address}: that is no scheduler's address; write it as tcp://127.0.0.1:8786")
    return host, port


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


# What follows runs in the workers.

_running: dict[str, subprocess.Popen[bytes]] = {}


def identify() -> tuple[str, dict[str, str]]:
    """The name of this machine, and the versions of what sends the messages."""
    return socket.gethostname(), versions()


def prepare(identifier: str, plan: bytes) -> bytes:
    """Start a generator and have it open its connections; gives READY, or its report where they cannot be opened.

    It is stopped after its bound, whatever happens.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "echowall.bench.generator"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _running[identifier] = process
    decoded = msgspec.json.decode(plan, type=Plan)
    threading.Thread(target=_see_the_end_of, args=(process, 2 * START + decoded.bound + COUNT), daemon=True).start()
    _tell(process, plan)
    return _hear(identifier, process)


def carry_out(identifier: str, first: int) -> bytes:
    """Have the generator begin at that time of this machine's clock, in nanoseconds since 1970; gives its report."""
    process = _running[identifier]
    _tell(process, b"%d" % first)
    return _hear(identifier, process)


def abandon(identifier: str) -> None:
    """Stop the generator, if it still runs."""
    if process := _running.pop(identifier, None):
        process.kill()


def _see_the_end_of(process: subprocess.Popen[bytes], bound: float) -> None:
    try:
        process.wait(bound)
    except subprocess.TimeoutExpired:
        process.kill()


def _tell(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin  # noqa: S101
    with contextlib.suppress(OSError):  # it has ended, and what it said is read next
        process.stdin.write(line + b"\n")
        process.stdin.flush()


def _hear(identifier: str, process: subprocess.Popen[bytes]) -> bytes:
    """The next thing that the generator says, but for when its time begins and ends. Raises GeneratorError."""
    assert process.stdout  # noqa: S101
    assert process.stderr  # noqa: S101
    passing = (BEGIN.encode(), END.encode())
    while line := process.stdout.readline(LINE).strip():
        if line == READY.encode():
            return line
        if line not in passing:
            _running.pop(identifier, None)
            process.wait()
            return line
    _running.pop(identifier, None)
    process.kill()
    said = process.stderr.read().decode(errors="replace").strip().splitlines()
    raise GeneratorError(f"the generator failed: {said[-1] if said else 'it says nothing'}")
