"""moby.buildkit.v1.Control and the gateway, LLBBridge: the calls on connections at /grpc.

Clients of today drive their builds: Solve without a frontend, then by the gateway Solve with one,
which is remembered here and carried out once Return says that it is what Solve is to export.
"""

import json
import secrets
from collections.abc import Mapping, Sequence

from wherry.api.buildkit.exports import Export
from wherry.api.buildkit.failures import plainly
from wherry.api.buildkit.grpc import Method, Refused, Rpc
from wherry.api.buildkit.jobs import Job, Jobs
from wherry.api.buildkit.messages import control, gateway
from wherry.api.buildkit.messages.common import (
    EMPTY,
    Empty,
    PlatformMessage,
    timestamp,
)
from wherry.api.buildkit.messages.progress import STATUS_RESPONSE
from wherry.api.buildkit.solve import Solver, wanted_of
from wherry.api.service import Service
from wherry.engine.builds.prune import matching, prune_cache
from wherry.engine.builds.usage import CacheEntry, CacheUsage, cache_usage
from wherry.engine.engine import Engine
from wherry.engine.networks.host_gateways import host_gateways
from wherry.errors import InvalidArgument, Unsupported, WherryError
from wherry.network.names import Address
from wherry.oci.platform import Platform
from wherry.values import replace
from wherry.version import __version__

_CONTROL = "/moby.buildkit.v1.Control/"
_GATEWAY = "/moby.buildkit.v1.frontend.LLBBridge/"
_BUILD_ID = "buildkit-controlapi-buildid"
_FRONTEND_CAPS = (
    *("solve.base", "return", "returnmap", "proto.refarray", "importcaches", "frontend.caps"),
    *("gateway.solve.metadata", "gateway.evaluate"),
)
_GRAPH_CAPS = ("source.local", "file.base", "meta.description")
_MOST_ASKED = 16  # builds that one client drives


class Control:
    """The methods, for one service."""

    def __init__(self, service: Service, jobs: Jobs, solver: Solver) -> None:
        self._service = service
        self._jobs = jobs
        self._solver = solver

    @property
    def methods(self) -> Mapping[str, Method]:
        """By their paths. What is not there is not known, as to an older BuildKit."""
        return {
            f"{_CONTROL}Solve": self.solve,
            f"{_CONTROL}Status": self.status,
            f"{_CONTROL}Info": self.info,
            f"{_CONTROL}ListWorkers": self.list_workers,
            f"{_CONTROL}DiskUsage": self.disk_usage,
            f"{_CONTROL}Prune": self.prune,
            f"{_GATEWAY}Ping": self.ping,
            f"{_GATEWAY}Solve": self.gateway_solve,
            f"{_GATEWAY}Evaluate": self.evaluate,
            f"{_GATEWAY}Return": self.return_,
        }

    # ---- builds

    async def solve(self, rpc: Rpc) -> None:
        request = await rpc.only(control.SOLVE_REQUEST)
        if not request.ref:
            raise InvalidArgument("a build needs a reference")
        job = await self._jobs.begin(request)
        try:
            response = await self._solved(job)
        except WherryError as error:
            raise plainly(error) from error
        finally:
            await self._jobs.end(job)
        await rpc.send(control.SOLVE_RESPONSE.encode(control.SolveResponse(response)))

    async def _solved(self, job: Job) -> dict[str, str]:
        if job.request.frontend or job.request.definition:
            return await self._solver.solve(job, wanted_of(job))
        returned = await job.returned
        if (error := returned.error) is not None and error.code:
            raise Refused(error.code, error.message, error.details)
        result = returned.result
        ref = ""
        if result is not None:
            if result.many_refs:
                raise Unsupported("a build of several results is not supported by this engine")
            ref = result.ref.id if result.ref is not None else result.former_ref
        if not ref:
            return {}  # the client has only looked what it could do
        return await self._solver.solve(job, wanted_of(job, ref))

    async def status(self, rpc: Rpc) -> None:
        request = await rpc.only(control.STATUS_REQUEST)
        job = await self._jobs.find(request.ref)
        async for message in job.progress.follow():
            await rpc.send(STATUS_RESPONSE.encode(message))

    # ---- the gateway

    async def _job(self, rpc: Rpc) -> Job:
        ref = rpc.metadata.get(_BUILD_ID, "")
        if not ref:
            raise InvalidArgument("no buildid found in context")
        return await self._jobs.find(ref)

    async def ping(self, rpc: Rpc) -> None:
        await self._job(rpc)
        pong = gateway.Pong(
            frontend=tuple(gateway.Capability(id=each) for each in _FRONTEND_CAPS),
            graph=tuple(gateway.Capability(id=each) for each in _GRAPH_CAPS),
            workers=(_worker(()),),
        )
        await rpc.send(gateway.PONG.encode(pong))

    async def gateway_solve(self, rpc: Rpc) -> None:
        job = await self._job(rpc)
        request = await rpc.only(gateway.GATEWAY_SOLVE_REQUEST)
        if len(job.asked) >= _MOST_ASKED:
            raise InvalidArgument(f"more than {_MOST_ASKED} builds in one")
        ref = secrets.token_hex(16)
        job.asked[ref] = request
        try:
            wanted = wanted_of(job, ref)  # what cannot be built is refused here
            if question := request.attrs.get("requestid"):
                facts = await self._solver.answer(job, wanted, question)
                result = gateway.Result(metadata=facts)
            else:
                result = gateway.Result(ref=gateway.Ref(id=ref))
        except WherryError as error:
            raise plainly(error) from error
        response = gateway.GatewaySolveResponse(result=result)
        await rpc.send(gateway.GATEWAY_SOLVE_RESPONSE.encode(response))

    async def evaluate(self, rpc: Rpc) -> None:
        job = await self._job(rpc)
        request = await rpc.only(gateway.EVALUATE_REQUEST)
        try:
            wanted = wanted_of(job, request.ref)
            await self._solver.solve(job, replace(wanted, export=Export()))
        except WherryError as error:
            raise plainly(error) from error
        await rpc.send(EMPTY.encode(Empty()))

    async def return_(self, rpc: Rpc) -> None:
        job = await self._job(rpc)
        request = await rpc.only(gateway.RETURN_REQUEST)
        if not job.returned.done():
            job.returned.set_result(request)
        await rpc.send(EMPTY.encode(Empty()))

    # ---- what there is

    async def info(self, rpc: Rpc) -> None:
        await rpc.only(EMPTY)
        await rpc.send(control.INFO_RESPONSE.encode(control.InfoResponse(_version())))

    async def list_workers(self, rpc: Rpc) -> None:
        await rpc.only(EMPTY)
        gateways = await self._service.workers.run(host_gateways)
        workers = control.ListWorkersResponse((_worker(gateways),))
        await rpc.send(control.LIST_WORKERS_RESPONSE.encode(workers))

    async def disk_usage(self, rpc: Rpc) -> None:
        request = await rpc.only(control.DISK_USAGE_REQUEST)
        usage = await self._service.workers.run_alone(_usage, _filters(request.filter))
        records = tuple(_record(entry) for entry in usage.entries)
        response = control.DiskUsageResponse(records)
        await rpc.send(control.DISK_USAGE_RESPONSE.encode(response))

    async def prune(self, rpc: Rpc) -> None:
        request = await rpc.only(control.PRUNE_REQUEST)
        filters = _filters(request.filter)
        if request.keep_duration:
            filters["until"] = (f"{request.keep_duration // 10**9}s",)
        pruned = await self._service.workers.run_alone(
            prune_cache,
            filters,
            everything=request.all,
            reserved_space=request.reserved_space,
            max_used_space=request.max_used_space,
            min_free_space=request.min_free_space,
        )
        for entry in pruned.entries:
            await rpc.send(control.USAGE_RECORD.encode(_record(entry)))


def _usage(engine: Engine, filters: dict[str, tuple[str, ...]]) -> CacheUsage:
    return matching(cache_usage(engine), filters)


def _filters(texts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """containerd's filters `name==value`, of which several are one with `,` between them."""
    filters: dict[str, tuple[str, ...]] = {}
    for text in texts:
        for part in filter(None, text.split(",")):
            name, equals, value = part.partition("==")
            if not equals:
                raise Unsupported(f"filter {part} is not supported")
            if value.startswith('"'):
                try:
                    value = str(json.loads(value))
                except ValueError as error:
                    raise InvalidArgument(f"filter {part} has no end") from error
            filters[name] = (*filters.get(name, ()), value)
    return filters


def _record(entry: CacheEntry) -> control.UsageRecord:
    return control.UsageRecord(
        id=entry.id,
        size=entry.size,
        created=timestamp(entry.created_ns),
        last_used=timestamp(entry.used_ns),
        usage_count=entry.uses,
        description=entry.description,
        type=entry.kind,
        shared=entry.shared,
    )


def _version() -> control.Version:
    return control.Version(package="wherry", version=f"v{__version__}", revision="")


def _worker(gateways: Sequence[Address]) -> control.Worker:
    labels = {"org.mobyproject.buildkit.worker.executor": "wherry"}
    if gateways:  # what --add-host NAME:host-gateway is to mean
        labels["org.mobyproject.buildkit.worker.moby.host-gateway-ip"] = str(gateways[0])
    own = Platform.host()
    platform = PlatformMessage(architecture=own.architecture, os=own.os, variant=own.variant)
    return control.Worker(
        id="wherry",
        labels=labels,
        platforms=(platform,),
        version=_version(),
    )
