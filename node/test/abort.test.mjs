// Aborting: every method that waits rejects with the reason of its signal, and loses no message.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';

import { Node } from 'dmagent';

import { fromPeers, pair } from './helpers.mjs';

const REASON = new Error('enough');

test('a signal that is aborted already starts nothing', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  const signal = AbortSignal.abort(REASON);
  const calls = {
    open: () => Node.ephemeral({}, { signal }),
    connect: () => alice.connect('http://127.0.0.1:1', { signal }),
    send: () => alice.send(toBob, 'x', { signal }),
    ask: () => alice.ask(toBob, 'x', { signal }),
    receive: () => alice.receive({ signal }),
    inbox: () => alice.inbox({ signal }).next(),
    events: () => alice.events({ signal }).next(),
    info: () => alice.info({ signal }),
    list: () => alice.peers.list({ signal }),
    scan: () => alice.discovery.scan({ signal }),
    sign: () => alice.passport.sign('x', { signal }),
    call: () => alice.call('trust.list', {}, { signal }),
    close: () => alice.close({ signal }),
  };
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(call(), (error) => error === REASON, name);
  }
  assert.equal(alice.closed, false);
  assert.deepEqual(await fromPeers(bob), []);
});

test('whatever waits can be aborted', async (t) => {
  const { alice, toBob } = await pair(t);
  const calls = {
    ask: (signal) => alice.ask(toBob, 'x', { signal }),
    receive: (signal) => alice.receive({ signal }),
    within: (signal) => alice.receive({ signal, timeoutSecs: 1000 }),
    next: (signal) => alice.messages.next({ signal }),
    inbox: (signal) => alice.inbox({ signal }).next(),
    events: (signal) => alice.events({ signal }).next(),
    loop: async (signal) => {
      for await (const message of alice.inbox({ signal })) assert.fail(message.content);
    },
  };
  for (const [name, call] of Object.entries(calls)) {
    const controller = new AbortController();
    const called = call(controller.signal);
    await setImmediate();
    controller.abort(REASON);
    await assert.rejects(called, (error) => error === REASON, name);
    assert.deepEqual(getEventListeners(controller.signal, 'abort'), [], `${name} leaves nothing on the signal`);
  }
});

test('aborting at any moment loses no message and doubles none', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  const expected = Array.from({ length: 60 }, (_, index) => String(index));
  const found = [];
  const sending = (async () => {
    for (const text of expected) await alice.send(toBob, text);
  })();
  for (let turn = 0; found.length < expected.length; turn += 1) {
    const controller = new AbortController();
    const receiving = bob.receive({ signal: controller.signal });
    // A different moment each time, and now and then none.
    for (let pause = 0; pause < turn % 7; pause += 1) await setImmediate();
    if (turn % 5 !== 4) controller.abort(REASON);
    try {
      const message = await receiving;
      found.push(message.content);
      await message.acknowledge();
    } catch (error) {
      assert.equal(error, REASON);
    }
  }
  await sending;
  assert.deepEqual(found.sort(), expected.sort());
  assert.equal(await bob.receive({ timeoutSecs: 0 }), null);
});

test('return ends a stream that waits', async (t) => {
  const { alice } = await pair(t);
  for (const stream of [alice.inbox(), alice.events()]) {
    const waiting = stream.next();
    await setImmediate();
    assert.deepEqual(await stream.return(), { value: undefined, done: true });
    assert.deepEqual(await waiting, { value: undefined, done: true });
    assert.deepEqual(await stream.next(), { value: undefined, done: true });
  }
});

test('an event that was not taken comes to the next who asks', async (t) => {
  const { alice, bob } = await pair(t);
  const events = alice.events();
  const controller = new AbortController();
  const stopped = alice.events({ signal: controller.signal });
  await alice.trust.set(bob, 0.1);
  await alice.trust.set(bob, 0.2);
  assert.equal((await events.next()).value.score, 0.1);
  assert.equal((await stopped.next()).value.score, 0.1);
  controller.abort(REASON);
  await assert.rejects(stopped.next(), (error) => error === REASON);
  assert.equal((await events.next()).value.score, 0.2);
});

test('opening can be aborted while it works', async () => {
  const controller = new AbortController();
  const opening = Node.ephemeral({ http: true }, { signal: controller.signal });
  controller.abort(REASON);
  await assert.rejects(opening, (error) => error === REASON);
});

test('one signal may serve many calls', async (t) => {
  const { alice } = await pair(t);
  const warnings = [];
  process.on('warning', (warning) => warnings.push(warning));
  const controller = new AbortController();
  const calls = Array.from({ length: 40 }, () => alice.receive({ signal: controller.signal }));
  const streams = Array.from({ length: 40 }, () => alice.inbox({ signal: controller.signal }).next());
  await alice.info({ signal: controller.signal });
  controller.abort(REASON);
  for (const call of [...calls, ...streams]) await assert.rejects(call, (error) => error === REASON);
  await setImmediate();
  assert.deepEqual(warnings, []);
  assert.deepEqual(getEventListeners(controller.signal, 'abort'), []);
});

test('a signal of another library does as well', async (t) => {
  const { alice } = await pair(t);
  /** As libraries made them before runtimes had a `throwIfAborted`. */
  class OtherSignal extends EventTarget {
    aborted = false;
    abort(reason) {
      this.aborted = true;
      if (reason) this.reason = reason;
      this.dispatchEvent(new Event('abort'));
    }
  }
  const signal = new OtherSignal();
  const calls = () => [alice.info({ signal }), alice.receive({ signal }), alice.inbox({ signal }).next(), alice.events({ signal }).next()];
  const [info, ...waiting] = calls();
  assert.equal((await info).agentId, alice.agentId);
  signal.abort(REASON);
  for (const call of [...waiting, ...calls()]) await assert.rejects(call, (error) => error === REASON);

  const silent = new OtherSignal();
  const called = alice.receive({ signal: silent });
  silent.abort();
  await assert.rejects(called, { name: 'AbortError' });
  await assert.rejects(alice.receive({ signal: silent }), { name: 'AbortError' });

  // One that cannot be left again is none.
  const clinging = { aborted: false, addEventListener() {} };
  await assert.rejects(alice.info({ signal: clinging }), { code: 'invalid_argument', message: 'signal must be an AbortSignal' });
});
