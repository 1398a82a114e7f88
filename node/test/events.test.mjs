// Events, as a stream and as an emitter.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Node } from 'dmagent';

import { collect, heard, opened, pair } from './helpers.mjs';

test('a stream tells what happens, in order, until the node closes', async (t) => {
  const [alice, bob] = [await opened(t, 'alice'), await opened(t, 'bob')];
  const events = bob.events();
  const toBob = await alice.connect((await bob.info()).url);
  await alice.send(toBob, 'x');
  await bob.trust.set(alice, 0.5);
  await bob.close();
  const seen = [];
  for await (const event of events) {
    assert.equal(typeof event.at, 'bigint');
    if (event.kind !== 'notice') seen.push(event.type);
  }
  const expected = ['peer_connected', 'message_received', 'trust_changed'];
  assert.deepEqual(seen.filter((type) => expected.includes(type)), expected);
});

test('a listener that is too slow is told how much it missed', async (t) => {
  const { alice, bob } = await pair(t);
  const events = alice.events();
  for (let index = 0; index < 1500; index += 1) await alice.trust.set(bob, index / 2000);
  const { value } = await events.next();
  assert.equal(value.type, 'missed');
  assert.equal(value.missed > 0n, true);
});

test('a node is an emitter', async (t) => {
  const { alice, bob } = await pair(t);
  const scores = [];
  const listener = ({ score, agentId }) => scores.push([score, agentId]);
  alice.on('trust_changed', listener);
  const first = heard(alice, 'trust_changed');
  await alice.trust.set(bob, 0.5);
  assert.equal((await first).type, 'trust_changed');
  assert.deepEqual(scores, [[0.5, bob.agentId]]);

  alice.off('trust_changed', listener);
  await alice.trust.set(bob, 0.6);
  const next = heard(alice, 'trust_changed');
  await alice.trust.set(bob, 0.7);
  assert.equal((await next).score, 0.7);
  assert.equal(scores.length, 1);
});

test('listeners hear although the program holds nothing else', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  const received = heard(bob, 'message_received');
  await collect();
  await alice.send(toBob, 'x');
  assert.equal((await received).from, alice.agentId);
});

test('names that are no events belong to the program', async (t) => {
  const node = await opened(t, 'alice');
  const mine = heard(node, 'mine');
  node.emit('mine', 7);
  assert.equal(await mine, 7);
});

test('listeners that come after all were removed hear', async (t) => {
  const { alice, bob } = await pair(t);
  const scores = [];
  const listener = ({ score }) => scores.push(score);
  let score = 0;
  for (const named of [[], ['newListener'], ['removeListener'], ['trust_changed']]) {
    alice.on('trust_changed', () => assert.fail('it was removed'));
    alice.removeAllListeners('trust_changed');
    assert.equal(alice.removeAllListeners(...named), alice);
    alice.on('trust_changed', listener);
    score += 0.125;
    const next = heard(alice, 'trust_changed');
    await alice.trust.set(bob, score);
    assert.equal((await next).score, score);
    alice.removeAllListeners('trust_changed');
  }
  assert.deepEqual(scores, [0.125, 0.25, 0.375, 0.5]);
});

test('a stream of events, an inbox and a listener have their node, which else is collected', async () => {
  const holders = {
    nobody: () => undefined,
    events: (node) => node.events(),
    inbox: (node) => node.inbox(),
    listener: (node) => void node.on('trust_changed', () => {}),
  };
  async function left(hold) {
    const node = await Node.ephemeral();
    return { held: hold(node), weak: new WeakRef(node) };
  }
  for (const [name, hold] of Object.entries(holders)) {
    const { held, weak } = await left(hold);
    await collect();
    const node = weak.deref();
    assert.equal(node !== undefined, name !== 'nobody', name);
    if (name === 'events') {
      await node.trust.set('00'.repeat(32), 0.5);
      assert.equal((await held.next()).value.type, 'trust_changed');
    }
    await node?.close();
  }
});

test('a stream that is waited for has its node', async () => {
  const watching = (async () => {
    const node = await Node.ephemeral();
    const weak = new WeakRef(node);
    return { weak, next: node.events().next() };
  })();
  const { weak, next } = await watching;
  await collect();
  await weak.deref().trust.set('00'.repeat(32), 0.5);
  assert.equal((await next).value.type, 'trust_changed');
  await weak.deref().close();
});
