// Answers in parts, questions that nobody waits for, and receipts that can be waited on.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pair } from './helpers.mjs';

async function cancelled(events) {
  for await (const event of events) if (event.type === 'message_cancelled') return event;
  throw new Error('the node was closed');
}

test('an answer is read while it is written', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  const asked = alice.askStream(toBob, 'tell me a story', { timeoutSecs: 60 });
  const first = asked.next();
  const message = await bob.receive();
  assert.equal(message.wantsStream, true);
  const answer = message.stream();
  assert.equal((await answer.write('once ')).streamed, true);
  assert.equal((await first).value.content, 'once ');
  await answer.write('upon ');
  await answer.finish({ content: 'a time' });
  await message.acknowledge();
  let rest = '';
  for await (const part of asked) rest += part.content;
  assert.equal(rest, 'upon a time');
  assert.deepEqual(await asked.next(), { value: undefined, done: true });
});

test('whoever stops reading takes the question back', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  for (const way of ['break', 'signal']) {
    const events = bob.events();
    const stop = new AbortController();
    const asked = alice.askStream(toBob, 'go on', { signal: stop.signal });
    const first = asked.next();
    const message = await bob.receive();
    await message.stream().write('well, ');
    await first;
    if (way === 'break') await asked.return();
    else {
      const next = asked.next();
      stop.abort(new Error('enough'));
      await assert.rejects(next, /enough/);
    }
    const told = await cancelled(events);
    assert.deepEqual([told.messageId, told.handedOut], [message.messageId, true], way);
    await assert.rejects(message.stream().write('more'), { code: 'message_cancelled' });
    message.release();
  }
});

test('a question whose signal is aborted is taken back', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  const events = bob.events();
  const stop = new AbortController();
  const asking = alice.ask(toBob, 'slow?', { signal: stop.signal });
  const message = await bob.receive();
  stop.abort(new Error('enough'));
  await assert.rejects(asking, /enough/);
  assert.equal((await cancelled(events)).messageId, message.messageId);
  await message.acknowledge();
});

test('a receipt can be waited on and stays plain data', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  const receipt = await alice.send(toBob, 'hello');
  const plain = structuredClone(receipt);
  assert.deepStrictEqual(receipt, plain);
  assert.equal(Object.keys(receipt).includes('until'), false);
  await assert.rejects(receipt.until('delivered', { timeoutSecs: 0 }), { code: 'timeout' });
  await (await bob.receive()).acknowledge();
  const handled = await receipt.until('handled', { timeoutSecs: 20 });
  assert.equal(handled.state, 'handled');
  assert.equal((await handled.until('accepted')).state, 'handled');
});
