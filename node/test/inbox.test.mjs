// At least once: a message that nobody acknowledged comes again.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { Message, Node } from 'dmagent';

import { collect, fromPeers, pair } from './helpers.mjs';

test('a message that was dropped comes again', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  await alice.send(toBob, 'important');
  const dropped = await (async () => new WeakRef(await bob.receive()))();
  let again = null;
  while (again === null) {
    await collect();
    again = await bob.receive({ timeoutSecs: 0.1 });
  }
  assert.equal(dropped.deref(), undefined);
  assert.equal(again.content, 'important');
  assert.equal(again.redeliveries, 1);
  await again.acknowledge();
});

test('a message that is held does not come again, whatever the garbage collector does', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  await alice.send(toBob, 'held');
  const held = await bob.receive();
  await collect();
  assert.equal(await bob.receive({ timeoutSecs: 0 }), null);
  await held.acknowledge();
});

test('one that was acknowledged stays away when its object goes', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  await alice.send(toBob, 'done');
  await (async () => (await bob.receive()).acknowledge())();
  await collect();
  assert.deepEqual(await fromPeers(bob), []);
});

test('released messages come again, and only their holder releases them', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  await alice.send(toBob, 'x');
  const first = await bob.receive();
  assert.equal(first instanceof Message, true);
  assert.equal(first.release(), true);
  const second = await bob.receive();
  assert.equal(second.redeliveries, 1);
  assert.equal(first.release(), false);
  await second[Symbol.asyncDispose]();
  const third = await bob.receive();
  assert.equal(third.redeliveries, 2);
  await third.acknowledge();
  await third[Symbol.asyncDispose]();
  await assert.rejects(third.acknowledge(), { code: 'message_unknown', name: 'NotFoundError' });
  assert.throws(() => third.release(-1), { code: 'invalid_argument', message: /^delaySecs / });
});

test('listing hands nothing out', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  await alice.send(toBob, 'x');
  const [listed] = await fromPeers(bob);
  assert.equal(listed.content, 'x');
  const message = await bob.receive();
  assert.equal(await bob.messages.release(message), true);
  assert.equal(await bob.messages.acknowledge(listed), true);
});

test('what was handed out and not acknowledged is there after a restart', async (t) => {
  const projectDir = await mkdtemp(join(tmpdir(), 'dmagent-'));
  t.after(() => rm(projectDir, { recursive: true, force: true }));
  const { alice } = await pair(t);
  const settings = { projectDir, displayName: 'carol' };
  const before = await Node.open(settings);
  const id = before.agentId;
  await alice.send(await alice.connect((await before.info()).url), 'keep this');
  const message = await before.receive();
  assert.equal(message.content, 'keep this');
  await before.close();

  const after = await Node.open(settings);
  t.after(() => after.close());
  assert.equal(after.agentId, id);
  const again = await after.receive();
  assert.equal(again.content, 'keep this');
  await again.acknowledge();
});
