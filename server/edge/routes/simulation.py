"""Trying a policy over HTTP (R23)."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from rules.model import Violation
from server.commands import Id
from server.edge.endpoint import Endpoints
from server.edge.fields import Asked, AskedInstant, Told, ToldInstant
from server.edge.problem_schema import ViolationBody
from server.edge.problems import describe_violations
from server.errors import NotFound
from server.principal import Principal
from server.service.access import Action
from server.service.simulation import Asked as AskedFor
from server.service.simulation import Simulated, Simulation


class SimulationPost(Asked):
    """The keys of the policy that are to change, each replaced whole, and the period to try them on; a year at most."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    location_id: Id
    policy: Annotated[
        dict[str, Any],
        Field(
            description="Keys left out keep their present values; unknown keys are refused.",
            examples=[{"min_duration_minutes": 90}],
        ),
    ]
    starts: Annotated[AskedInstant, Field(alias="from")]
    ends: Annotated[AskedInstant, Field(alias="to")]


class AskedBody(Told):
    """Something that was asked for in the period, and what refuses it: the changed policy, or the present one.

    ``happened`` is what became of it then. ``times`` is how often it was refused on that day, the last time at ``asked_at``.
    """

    happened: Literal["accepted", "refused"]
    asked_at: ToldInstant
    times: int
    user_id: int | None
    booking_id: str | None
    action: Literal["create", "move", "cancel"]
    role: Literal["customer", "operator", "staff", "admin"]
    resource_id: int
    start_time: ToldInstant
    end_time: ToldInstant
    violations: list[ViolationBody]


class CountsBody(Told):
    """How much would be different, whether it is told one by one or not; by rule, what several rules refuse counts for each."""

    refused: int
    accepted: int
    refused_by_rule: dict[str, int]
    accepted_by_rule: dict[str, int]


class SimulationBody(Told):
    """What the changed policy would have done. ``until`` is before the period's end where there was more than is judged at
    once; ``policy`` is the changed one, whole.
    """

    location_id: int
    policy: dict[str, Any]
    judged: int
    until: ToldInstant
    counts: CountsBody
    refused: list[AskedBody]
    accepted: list[AskedBody]


def _asked(asked: AskedFor, violations: tuple[Violation, ...]) -> AskedBody:
    proposal = asked.proposal
    return AskedBody(
        happened="accepted" if asked.was_accepted else "refused",
        asked_at=asked.at,
        times=asked.times,
        user_id=asked.user_id,
        booking_id=asked.booking_id,
        action=proposal.action.value,
        role=proposal.role.value,
        resource_id=proposal.resource_id,
        start_time=proposal.interval.start,
        end_time=proposal.interval.end,
        violations=[ViolationBody(**each) for each in describe_violations(violations)],
    )


def _told(location_id: int, simulated: Simulated) -> SimulationBody:
    tally = simulated.tally
    return SimulationBody(
        location_id=location_id,
        policy=simulated.policy.to_json(),
        judged=tally.judged,
        until=simulated.until,
        counts=CountsBody(
            refused=tally.refused_count,
            accepted=tally.accepted_count,
            refused_by_rule=dict(tally.refused_by_rule),
            accepted_by_rule=dict(tally.accepted_by_rule),
        ),
        refused=[_asked(*each) for each in tally.refused],
        accepted=[_asked(*each) for each in tally.accepted],
    )


def simulation_endpoints(simulation: Simulation) -> Endpoints:
    """What another policy would have done."""
    endpoints = Endpoints("Administration")

    @endpoints.post(
        "/api/admin/policies/simulate",
        summary="Try a policy on the past",
        answer=SimulationBody,
        faults=(NotFound,),
        action=Action.ADMINISTER,
        example={
            "location_id": 1,
            "policy": {"min_duration_minutes": 90},
            "from": "2027-05-01T00:00:00Z",
            "to": "2027-06-01T00:00:00Z",
        },
    )
    async def simulate(caller: Principal, body: SimulationPost) -> SimulationBody:
        """Who would have been refused, and who newly accepted: what was booked, moved, cancelled or refused in the period is
        judged as of then, by the present policy and by the changed one. Nothing is changed. At most 500 of either kind are
        told one by one, and 20,000 judged.
        """
        simulated = await simulation.simulate(
            caller, body.location_id, body.policy, starts=body.starts, ends=body.ends
        )
        return _told(body.location_id, simulated)

    return endpoints
