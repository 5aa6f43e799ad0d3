"""The stacks with their mends off: one more instance of each, one at a time, asked directly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import msgspec

from echowall.catalog.catalog import Service
from echowall.check import targets
from echowall.check.examination import Examination
from echowall.check.registry import Check, Experiment, Observation
from echowall.check.wire import Target
from echowall.lab.lab import BARE, Lab, LabError

#: For how long the first check of a race is put again, in seconds, until it is lost. On a machine with nothing else to
#: do a race can be won some hundred times in a row.
FOR = 30.0


def examine(examination: Examination, lab: Lab, services: Iterable[Service], checks: list[Check]) -> None:
    """Start an instance of each with MENDS=off, put the checks to it, and stop it.

    One that does not start is told and noted as unfit, and the rest are examined.
    """
    for service in services:
        try:
            with lab.beside(service.name, BARE) as endpoint:
                subject = targets.bare(service, endpoint)
                asyncio.run(examination.examine([subject], _patient(checks, service)))
        except LabError as error:
            examination.reject(service.name, str(error))


def _patient(checks: list[Check], service: Service) -> list[Check]:
    """The same checks, but the first one of each race is put until it is lost, or for so long."""
    races = {mended.checks[0] for mended in service.mended if mended.race}
    return [_repeated(check) if check.id in races else check for check in checks]


def _repeated(check: Check) -> Check:
    once: Experiment = check.experiment

    async def again(target: Target) -> Observation | str:
        until = time.monotonic() + FOR
        while True:
            observed = await once(target)
            if Observation.of(observed).outcome not in check.expects or time.monotonic() > until:
                return observed

    return msgspec.structs.replace(check, experiment=again, seconds=check.seconds + FOR)
