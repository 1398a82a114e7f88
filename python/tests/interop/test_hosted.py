"""Originals and several nodes of ours at one port: each message reaches whom it is for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hosted import Hosted, Tenant
from lab import Lab
from peer111 import WELL_KNOWN, Peer111
from web import ask, eventually, post


class Scene(NamedTuple):
    alice: Peer111
    bob: Peer111
    carol: Tenant
    dora: Tenant
    emma: Tenant

    @property
    def tenants(self) -> list[Tenant]:
        return [self.carol, self.dora, self.emma]

    @property
    def port_url(self) -> str:
        return f"http://127.0.0.1:{self.carol.port}"


@pytest.fixture(scope="module")
def scene(lab: Lab, agent_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Alice and Bob are originals; the others share a port, at which Carol came first. Alice knows Carol and Dora."""
    alice, bob = lab.theirs("alice", "bob")
    with Hosted(tmp_path_factory.mktemp("hosted"), "carol", "dora", "emma", program=agent_program) as tenants:
        scene = Scene(alice, bob, *tenants)
        for tenant in (scene.carol, scene.dora):
            assert tenant.call("peers.connect", url=alice.base_url)["state"] == "connected"
            eventually(lambda: alice.connection(tenant.agent_id), "the connection at the original", alice)  # noqa: B023
        yield scene


def contents(tenant: Tenant) -> list[str]:
    return [message["content"] for message in tenant.messages()]


def test_an_original_keeps_the_place_of_each(scene: Scene) -> None:
    for tenant in (scene.carol, scene.dora):
        connection = scene.alice.connection(tenant.agent_id)
        assert connection is not None and connection["agent_url"] == tenant.base_url


def test_what_an_original_sends_reaches_whom_it_is_for(scene: Scene) -> None:
    for tenant in (scene.dora, scene.carol):
        text = f"for {tenant.home.name}"
        scene.alice.send(tenant.agent_id, text)
        assert tenant.heard(content=text)["from"] == scene.alice.agent_id
        others = [other for other in scene.tenants if other is not tenant]
        assert all(text not in contents(other) for other in others)


def test_what_each_sends_reaches_an_original_in_its_name(scene: Scene) -> None:
    for tenant in (scene.dora, scene.carol):
        receipt = tenant.send(scene.alice.agent_id, f"from {tenant.home.name}")
        [heard] = scene.alice.heard(receipt["message_id"])
        assert (heard["from_agent_id"], heard["verified"]) == (tenant.agent_id, True)


def test_an_original_connects_to_a_place_a_scope_and_the_bare_port(scene: Scene) -> None:
    """Its tool strips no scope, so what it makes of a scoped URL names the agent twice."""
    ways = {
        scene.dora.base_url: scene.dora,
        f"{scene.port_url}/__darkmatter__/{scene.emma.agent_id}": scene.emma,
        scene.port_url: scene.carol,
    }
    for url, tenant in ways.items():
        reply = scene.bob.request(url)
        assert reply.get("success") and reply["agent_id"] == tenant.agent_id, (url, reply)
        text = f"hello {tenant.home.name}"
        scene.bob.send(tenant.agent_id, text)
        assert tenant.heard(content=text)["from"] == scene.bob.agent_id


def test_an_original_that_tells_its_bio_is_heard_by_each(scene: Scene) -> None:
    scene.alice.mcp("darkmatter_update_bio", params={"bio": "sells tea"})
    for tenant in (scene.carol, scene.dora):
        eventually(
            lambda: (tenant.peer(scene.alice.agent_id) or {}).get("bio") == "sells tea",  # noqa: B023
            f"the new bio at {tenant.home.name}",
            tenant,
        )


def test_an_original_finds_all_of_them_in_the_documents(scene: Scene) -> None:
    ids = [tenant.agent_id for tenant in scene.tenants]
    document = ask(scene.carol.port, "GET", WELL_KNOWN).body
    assert document["agent_id"] == scene.carol.agent_id
    assert [agent["agent_id"] for agent in document["agents"]] == ids
    assert ask(scene.carol.port, "GET", "/__darkmatter__/local_agents").body["count"] == 3


def test_a_message_of_an_original_that_names_nobody_goes_to_the_one_whose_peer_it_is(
    own_lab: Lab, agent_program: str, tmp_path: Path
) -> None:
    """The host was opened in another order meanwhile, and the original knows one agent of it by the bare port."""
    [frank] = own_lab.theirs("frank")
    hosted = Hosted(tmp_path, "gina", "hugo", program=agent_program)
    with hosted as [gina, _]:
        assert frank.request(f"http://127.0.0.1:{gina.port}")["agent_id"] == gina.agent_id
    frank.stop()

    def forget_the_place(state: dict[str, object]) -> None:
        text = state["connections"]
        assert isinstance(text, dict)
        text[gina.agent_id]["agent_url"] = f"http://127.0.0.1:{gina.port}"

    frank.edit_state(forget_the_place)
    frank.start()
    hosted.tenants.reverse()
    with hosted as [hugo, _]:
        default = ask(hugo.port, "GET", "/__darkmatter__/status").body
        assert default["agent_id"] == hugo.agent_id
        frank.send(gina.agent_id, "for gina")
        assert gina.heard(content="for gina")["from"] == frank.agent_id
        assert contents(hugo) == []
        # An agent that is not there is nobody else.
        gone = post(hugo.port, f"/agents/{'7' * 64}/__darkmatter__/message", {})
        assert (gone.status, gone.body["error"]) == (503, "Agent not initialized")
