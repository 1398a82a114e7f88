// Several nodes of one process at one port.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { opened } from './helpers.mjs';

const limits = { loopback: 'exempt' };

test('each node that shares its port is written to at its place', async (t) => {
  const alice = await opened(t, 'alice', { sharedPort: true, limits });
  const { port, url } = await alice.info();
  const root = `http://127.0.0.1:${port}`;
  assert.equal(url, `${root}/agents/${alice.agentId}`);
  const bob = await opened(t, 'bob', { sharedPort: true, port, limits });
  const carol = await opened(t, 'carol', { sharedPort: true, port, limits });
  const dora = await opened(t, 'dora', { limits });

  for (const [one, other] of [[alice, bob], [bob, carol], [dora, carol]]) {
    const peer = await one.connect((await other.info()).url);
    assert.equal(peer.agentId, other.agentId);
    for (const [from, to] of [[one, other], [other, one]]) {
      await from.send(to, `to ${to.agentId}`);
      const message = await to.receive({ from });
      assert.equal(message.content, `to ${to.agentId}`);
      await message.acknowledge();
    }
  }
  const listed = await (await fetch(`${root}/__darkmatter__/local_agents`)).json();
  assert.deepEqual(
    listed.agents.map((agent) => agent.agent_id),
    [alice, bob, carol].map((node) => node.agentId),
  );

  await assert.rejects(opened(t, 'erin', { sharedPort: true, port, networkTier: 'local', limits }), {
    code: 'config_invalid',
  });
  await alice.close();
  const next = await (await fetch(`${root}/__darkmatter__/status`)).json();
  assert.equal(next.agent_id, bob.agentId);
  assert.equal((await fetch(`${url}/__darkmatter__/status`)).status, 503);
});
