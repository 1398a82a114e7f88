// Two nodes over loopback: connecting, sending, asking, answering, and what the nouns tell.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Node, fenced } from 'dmagent';

import { fromPeers, opened, pair } from './helpers.mjs';

test('two nodes talk', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  assert.equal(toBob.agentId, bob.agentId);
  assert.equal(toBob.state, 'connected');
  assert.equal(typeof toBob.connectedAt, 'bigint');

  const receipt = await alice.send(toBob, 'What is the answer?', { metadata: { deep: { snake_case: [1, null] } } });
  assert.equal(receipt.state, 'accepted');
  for await (const message of bob.inbox({ from: alice, kinds: 'peer' })) {
    assert.equal(message.content, 'What is the answer?');
    assert.equal(message.from, alice.agentId);
    assert.deepEqual(message.metadata, { deep: { snake_case: [1, null] } });
    assert.equal(typeof message.sequence, 'bigint');
    assert.equal((await message.reply('42')).state, 'accepted');
    assert.equal(await message.acknowledge(), true);
    break;
  }
  const answer = await alice.receive({ inReplyTo: receipt.messageId });
  assert.equal(answer.content, '42');
  assert.equal(answer.inReplyTo, receipt.messageId);
  await answer.acknowledge();
  assert.equal(await alice.receive({ timeoutSecs: 0 }), null);
  assert.deepEqual(await fromPeers(bob), []);
});

test('ask waits for the answer', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  const answering = bob.receive().then(async (question) => {
    await question.reply(`${question.content} 42`);
    await question.acknowledge();
  });
  const answer = await alice.ask(toBob, 'why?');
  assert.equal(answer.content, 'why? 42');
  await answer.acknowledge();
  await answering;
});

test('one inbox can serve several senders and several inboxes share the work', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  for (const text of ['1', '2', '3', '4']) await alice.send([toBob], text);
  const [left, right] = [bob.inbox(), bob.inbox()];
  const taken = await Promise.all([left.next(), right.next(), left.next(), right.next()]);
  assert.deepEqual(taken.map(({ value }) => value.content).sort(), ['1', '2', '3', '4']);
  await Promise.all(taken.map(({ value }) => value.acknowledge()));
});

test('the nouns have their verbs', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  assert.deepEqual((await alice.peers.list()).map((peer) => peer.agentId), [bob.agentId]);
  assert.equal((await alice.peers.get(bob.agentId)).displayName, 'bob');
  assert.equal(await alice.trust.get(bob), null);
  assert.equal((await alice.trust.set(toBob, 0.5, { note: 'kind' })).note, 'kind');
  assert.equal(await alice.trust.forget(toBob), undefined);
  const { signature } = await alice.passport.sign('text');
  assert.equal(await bob.passport.verify(alice, 'text', signature), true);
  assert.equal(await bob.passport.verify(alice, 'other', signature), false);
  assert.deepEqual(await alice.discovery.list(), []);
  assert.equal((await alice.update({ bio: 'curious' })).bio, 'curious');
  assert.equal((await alice.messages.broadcast('busy')).state, 'accepted');
  assert.equal((await alice.messages.log({ limit: 1 })).length, 1);
  assert.equal((await alice.call('peers.get', { agent: bob })).displayName, 'bob');
  assert.equal(alice.localToken.length > 20, true);
});

test('a peer may be an object of settings in any of its members', async (t) => {
  const bob = await opened(t, 'bob');
  const rule = { ruleId: 'r', action: 'drop', fromAgentId: bob, priority: 7n, keyword: 'spam' };
  const alice = await opened(t, 'alice', { routingRules: [rule], limits: { peer: null }, negativeTrustSecs: 60n });
  const toAlice = await bob.connect((await alice.info()).url);
  await bob.send(toAlice, 'spam');
  await bob.send(toAlice, 'ham');
  const message = await alice.receive();
  assert.equal(message.content, 'ham');
  await message.acknowledge();
});

test('text that somebody chose can be fenced', () => {
  const [first, second] = [fenced('x'), fenced('x')];
  assert.match(first, /^<untrusted-[0-9a-f]{16}>\nx\n<\/untrusted-[0-9a-f]{16}>$/);
  assert.notEqual(first, second);
});

test('a node is disposed of by closing it', async () => {
  const node = await Node.ephemeral();
  await node[Symbol.asyncDispose]();
  assert.equal(node.closed, true);
  await node.close();
});

test('messages and records can be written as JSON', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  await alice.send(toBob, 'x', { metadata: { a: [1] } });
  const message = await bob.receive();
  const { sequence, receivedAt, origin, ...others } = message;
  const written = JSON.parse(JSON.stringify({ message }));
  const expected = { ...others, sequence: String(sequence), receivedAt: String(receivedAt) };
  // Integers of 64 bits further inside are text, too.
  expected.origin = { ...origin, sentAt: String(origin.sentAt) };
  assert.deepEqual(written, { message: expected });
  await bob.messages.acknowledge(BigInt(written.message.sequence));

  const [peer] = await bob.peers.list();
  const text = JSON.stringify([peer, message], (_, member) => (typeof member === 'bigint' ? String(member) : member));
  const [ofPeer, ofMessage] = JSON.parse(text);
  assert.equal(ofPeer.agentId, alice.agentId);
  for (const [name, member] of Object.entries(peer)) {
    if (typeof member === 'bigint') assert.equal(ofPeer[name], String(member), name);
  }
  assert.deepEqual(ofMessage, written.message);
});
