"""Attacks on what is not for everybody: the local API, what is told, and requests made in our name.

The numbers are those of the defects of 1.1.1 that the attacks use.
"""

from __future__ import annotations

import json
import re
import stat
from typing import NamedTuple

import pytest
from hostile import MESH, Hostile
from lab import Lab
from ours import OurNode
from peer111 import WELL_KNOWN, Peer111

FAR = "93.184.216.34"
"""An address of somebody far away, as a proxy would tell it."""
LOCAL = {
    "inbox": "GET",
    "pending_requests": "GET",
    "connections": "GET",
    "inbox/consume": "POST",
    "accept_pending": "POST",
    "set_impression": "POST",
    "config": "POST",
    "call": "POST",
}
PEER = ["network_info", "get_peers", "impression/" + "ab" * 32, "peer_lookup/" + "ab" * 32]
FORGERIES = ["127.0.0.1", "::1", "localhost", "127.0.0.1, 127.0.0.1", "unknown", "[::1]:80", ""]


class Nodes(NamedTuple):
    carol: OurNode
    """Behind nothing: who connects is who asks."""
    proxied: OurNode
    """Behind a proxy of this machine that tells who asks."""
    mallory: Hostile


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> Nodes:
    carol = lab.ours("carol", auto_accept="none")
    proxied = lab.ours("proxied", trusted_proxies=["127.0.0.1"], network_tier="global")
    return Nodes(carol, proxied, Hostile())


def ask(node: OurNode, endpoint: str, method: str, headers: dict[str, str]) -> tuple[int, dict[str, object]]:
    path = MESH + endpoint
    # Arguments with which each would do something.
    payload = {
        "verb": "trust.set",
        "args": {"agent": "ab" * 32, "score": 1},
        "agent_id": "ab" * 32,
        "score": 1,
        "status": "inactive",
        "message_ids": [],
        "request_id": "req-1",
    }
    answer = node.get(path, headers) if method == "GET" else node.post(path, payload, headers)
    assert isinstance(answer.body, dict), answer
    return answer.status, answer.body


def is_unchanged(node: OurNode) -> bool:
    return node.call("node.info")["active"] is True and node.call("trust.get", agent="ab" * 32) is None


@pytest.mark.parametrize("endpoint", LOCAL)
def test_s1_no_forwarded_header_opens_the_local_api(nodes: Nodes, endpoint: str) -> None:
    for forged in FORGERIES:
        for headers in (
            {"X-Forwarded-For": forged},
            {"X-Forwarded-For": forged, "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
            {"X-Forwarded-For": forged, "Authorization": "Bearer "},
            {"X-Forwarded-For": forged, "Authorization": "Bearer " + "0" * len(nodes.carol.token)},
            {"X-Forwarded-For": forged, "Authorization": "Basic " + nodes.carol.token},
        ):
            status, body = ask(nodes.carol, endpoint, LOCAL[endpoint], headers)
            assert (status, body["code"]) == (401, "token_invalid"), headers
    assert is_unchanged(nodes.carol)


@pytest.mark.parametrize("endpoint", LOCAL)
def test_s1_behind_a_proxy_not_even_the_token_opens_the_local_api_to_somebody_far(
    nodes: Nodes, endpoint: str
) -> None:
    # The left entry is what the caller wrote, the right one what the proxy saw.
    for forwarded in (FAR, f"127.0.0.1, {FAR}", f"::1,127.0.0.1 , {FAR}", "not an address", f"{FAR}, nonsense"):
        headers = {**nodes.proxied.bearer, "X-Forwarded-For": forwarded}
        status, body = ask(nodes.proxied, endpoint, LOCAL[endpoint], headers)
        assert (status, body["error"]) == (403, "This endpoint is only accessible from localhost"), forwarded
    assert is_unchanged(nodes.proxied)


@pytest.mark.parametrize("endpoint", PEER)
def test_s1_behind_a_proxy_a_forged_header_opens_no_endpoint_for_peers(nodes: Nodes, endpoint: str) -> None:
    for forwarded in (FAR, f"127.0.0.1, {FAR}", f"localhost, {FAR}"):
        status, body = ask(nodes.proxied, endpoint, "GET", {"X-Forwarded-For": forwarded})
        assert (status, body["error"]) == (403, "This endpoint requires a peer connection")


@pytest.mark.parametrize("endpoint", PEER)
def test_s1_a_page_on_a_name_that_leads_here_is_no_program_of_this_machine(nodes: Nodes, endpoint: str) -> None:
    for host, is_refused in (("page.example:8100", True), ("localhost:8100", False), ("127.0.0.1", False)):
        answer = nodes.carol.get(MESH + endpoint, {"Host": host})
        assert (answer.status == 403) is is_refused, (host, answer)
    page = nodes.carol.get(MESH + "inbox", {**nodes.carol.bearer, "Host": "page.example"})
    assert (page.status, page.body["error"]) == (403, "This endpoint is only accessible from localhost")


def test_s1_a_ping_tells_the_address_of_the_socket(nodes: Nodes) -> None:
    headers = {"X-Forwarded-For": FAR}
    assert nodes.carol.post(MESH + "ping", {}, headers).body["your_ip"] == "127.0.0.1"
    assert nodes.proxied.post(MESH + "ping", {}, {"X-Forwarded-For": f"8.8.8.8, {FAR}"}).body["your_ip"] == FAR


def test_s2_nobody_accepts_itself(nodes: Nodes) -> None:
    pending = nodes.mallory.connect(nodes.carol.port).body
    assert pending["auto_accepted"] is False
    proof = nodes.carol.post(MESH + "connection_proof", nodes.mallory.proof(pending))
    assert (proof.status, proof.body["identity_verified"]) == (200, True)
    for path in (MESH + "accept_pending", f"{MESH}{nodes.carol.agent_id}/accept_pending"):
        refused = nodes.carol.post(path, {"request_id": pending["request_id"]}, {"X-Forwarded-For": "127.0.0.1"})
        assert (refused.status, refused.body["code"]) == (401, "token_invalid")
    assert nodes.carol.peer(nodes.mallory.agent_id) is None
    [waiting] = nodes.carol.call("peers.pending")
    nodes.carol.call("peers.reject", request_id=waiting["request_id"])


def test_s9_what_is_told_to_everybody_names_no_process_and_no_folder(nodes: Nodes) -> None:
    node = nodes.carol
    told = [node.get(path) for path in (WELL_KNOWN, *(MESH + name for name in ("status", "local_agents")))]
    told.append(node.get(MESH + "network_info"))
    told.append(node.get("/nowhere"))
    told.append(node.post(MESH + "message", b"{"))
    assert [answer.status for answer in told] == [200, 200, 200, 200, 404, 400]
    for answer in told:
        text = json.dumps(answer.body)
        assert str(node.home) not in text and str(node.home.parent) not in text
        assert not re.search(r'"(pid|cwd)"', text), text
        assert node.token not in text
    for agents in (told[0].body["agents"], told[2].body["agents"]):
        assert [agent["active_sessions"] for agent in agents] == [[]]


@pytest.mark.parametrize(
    "path", ["/mcp", "/mcp/", "/__darkmatter__/mcp", "/__darkmatter__/send_proxy", "/__darkmatter__/send_payment"]
)
def test_s9_there_is_no_mcp_and_no_proxy_at_the_mesh(nodes: Nodes, path: str) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    for headers in ({}, nodes.carol.bearer, {"Host": "127.0.0.1"}):
        assert nodes.carol.post(path, hello, headers).status == 404
        assert nodes.carol.get(path, headers).status == 404


@pytest.fixture(scope="module")
def victim(lab: Lab, nodes: Nodes) -> Peer111:
    """An original that believes whoever asks from this machine, and knows our node."""
    [victim] = lab.theirs("victim")
    assert nodes.carol.call("peers.connect", url=victim.base_url)["state"] == "connected"
    return victim


@pytest.mark.parametrize(
    "path",
    [
        "/__darkmatter__/set_impression",
        "/__darkmatter__/accept_pending",
        "/__darkmatter__/config",
        "/__darkmatter__/call",
        "/__darkmatter__/mesh_route",
        "/__darkmatter__/connection_accepted",
        "/__darkmatter__/message/../set_impression",
        "/mcp",
        "",
        "http://127.0.0.1:1/__darkmatter__/config",
    ],
)
def test_s10_an_envelope_reaches_no_path_but_three(nodes: Nodes, victim: Peer111, path: str) -> None:
    payload = {"agent_id": "ab" * 32, "score": 1.0, "status": "inactive", "request_id": "req-1"}
    for target in (nodes.carol.agent_id, victim.agent_id):
        answer = nodes.carol.post(MESH + "mesh_route", Hostile().envelope(target, payload, original_path=path))
        assert (answer.status, answer.body["error"]) == (400, "A routed message may not be for that path")
    assert is_unchanged(nodes.carol)
    assert victim.get(MESH + "status").body["status"] == "active"
    assert victim.get(victim.scoped("impression/" + "ab" * 32)).body["has_impression"] is False


@pytest.mark.parametrize("endpoint", ["admin_connect", "sdp_relay", "sdp_relay_deliver", "antimatter_request"])
def test_s10_we_make_no_request_because_somebody_says_so(nodes: Nodes, endpoint: str) -> None:
    payload = {"from_agent_id": nodes.mallory.agent_id, "url": "http://127.0.0.1:1", "target_agent_id": "ab" * 32}
    assert nodes.carol.post(MESH + endpoint, payload).status == 404


def test_s17_a_claimed_local_url_does_not_make_somebody_far_a_neighbour(nodes: Nodes) -> None:
    for claimed in ("http://127.0.0.1:8100", "http://localhost:8100", "http://[::1]:8100", "http://10.0.0.1:1"):
        mallory = Hostile(claimed)
        for forwarded in (FAR, f"127.0.0.1, {FAR}"):
            answer = nodes.proxied.post(
                MESH + "connection_request", mallory.request(), {"X-Forwarded-For": forwarded}
            )
            assert (answer.status, answer.body["auto_accepted"]) == (200, False)
        assert nodes.proxied.peer(mallory.agent_id) is None
    # The same words from this machine.
    near = Hostile("http://127.0.0.1:8100")
    answer = nodes.proxied.post(MESH + "connection_request", near.request())
    assert answer.body["auto_accepted"] is True


def test_s17_a_near_socket_with_a_far_url_is_no_neighbour_either(nodes: Nodes) -> None:
    mallory = Hostile(f"http://{FAR}:8100")
    answer = nodes.proxied.post(MESH + "connection_request", mallory.request())
    assert (answer.status, answer.body["auto_accepted"]) == (200, False)
    assert nodes.proxied.peer(mallory.agent_id) is None


def test_s19_bootstrap_mode_ends_with_its_setting(lab: Lab) -> None:
    node = lab.ours("entry", auto_accept="none", bootstrap_mode=True)
    welcome, late = Hostile(), Hostile()
    assert welcome.connect(node.port).body["auto_accepted"] is True
    assert node.get("/status").status == 200
    node.restart(bootstrap_mode=False)
    assert late.connect(node.port).body["auto_accepted"] is False
    assert node.get("/status").status == 404
    assert node.connected(welcome.agent_id) and node.peer(late.agent_id) is None


def test_s20_nobody_else_on_the_machine_reads_what_we_write(lab: Lab) -> None:
    # The mask of the process must not matter.
    node = lab.ours("modes", umask=0)
    Hostile().connect(node.port)
    assert stat.S_IMODE(node.data.stat().st_mode) == 0o700
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in node.data.iterdir() if path.is_file()}
    assert {"passport.key", "node.db", "local.token"} <= files.keys()
    assert set(files.values()) == {0o600}, files
    seed = (node.data / "passport.key").read_text()
    assert re.fullmatch(r"[0-9a-f]{64}\n", seed)
