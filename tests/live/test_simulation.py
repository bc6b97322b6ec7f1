"""Seeded simulation of nodes, sessions, watchers and clients: thousands of steps, no sockets, no sleeping."""

import os

import pytest

from tests.live.simulation import World

SEEDS = range(int(os.environ.get("SEEDS", "12")))


@pytest.mark.parametrize("seed", SEEDS)
async def test_w1_w2_every_client_holds_a_true_version_at_every_step_and_all_converge(seed):
    world = World(seed)
    for _ in range(4):
        for _ in range(400):
            await world.step()
        await world.converge()
    await world.close()
    assert sum(client.applied for client in world.clients) > 100


async def test_p3_without_a_bus_everything_arrives_by_comparing_versions():
    world = World(1_000, loss=1.0)
    for _ in range(2):
        for _ in range(400):
            await world.step()
        await world.converge()
    await world.close()
