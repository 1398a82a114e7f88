// Errors: their classes and facts, and arguments that cannot be used.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

import * as dmagent from 'dmagent';

import { opened, pair, program } from './helpers.mjs';

const { DmError, Node, setLog } = dmagent;

test('an error tells its code, number, facts and whether to try again', async (t) => {
  const node = await opened(t, 'alice');
  const failed = await node.connect('http://127.0.0.1:1').catch((error) => error);
  assert.equal(failed instanceof dmagent.UnreachableError, true);
  assert.equal(failed instanceof DmError && failed instanceof Error, true);
  assert.equal(failed.name, 'UnreachableError');
  assert.equal(failed.code, 'unreachable');
  assert.equal(failed.number, 500);
  assert.equal(failed.retryable, true);
  assert.equal(failed.context.to, 'http://127.0.0.1:1');
  assert.match(failed.stack, /^UnreachableError: the address cannot be reached/);
});

test('every class of the table is there and means its codes', async (t) => {
  const node = await opened(t, 'alice');
  await assert.rejects(node.peers.get(node), dmagent.NotFoundError);
  await assert.rejects(node.call('no.verb'), { name: 'InvalidInputError', code: 'unknown_verb' });
  await assert.rejects(Node.ephemeral({ maxConnections: 0 }), { name: 'ConfigError', message: /maxConnections/ });
  await node.close();
  for (const late of [() => node.connect('http://127.0.0.1:1'), () => node.send(node, 'x'), () => node.receive(), () => node.messages.next()]) {
    await assert.rejects(late(), { name: 'ClosedError', code: 'closed', retryable: false });
  }
  assert.deepEqual(await node.inbox().next(), { value: undefined, done: true });
  assert.deepEqual(await node.events().next(), { value: undefined, done: true });
});

test('an argument that cannot be used is named', async (t) => {
  const node = await opened(t, 'alice');
  const itself = {};
  itself.itself = itself;
  class Mine {
    #hidden = 1;
    shown() {
      return this.#hidden;
    }
  }
  const wrong = [
    [/^content /, () => node.send(node, () => {})],
    [/^send needs content$/, () => node.send(node)],
    [/^connect needs url$/, () => node.connect()],
    [/^url: .*integer `7`/, () => node.connect(7)],
    [/^to must be an agent id/, () => node.send({}, 'x')],
    [/^to\[1\] must be an agent id/, () => node.send([node, 7], 'x')],
    [/^to: /, () => node.send('ab', 'x')],
    [/^agent must be an agent id/, () => node.peers.get(undefined ?? 7)],
    [/^timeoutSecs must be a finite number, not NaN$/, () => node.receive({ timeoutSecs: NaN })],
    [/timeoutSecs/, () => node.receive({ timeoutSecs: -1 })],
    [/^inReplyTo/, () => node.receive({ inReplyTo: 7 })],
    [/^metadata\.a\[0\] cannot be a function$/, () => node.send(node, 'x', { metadata: { a: [() => {}] } })],
    [/^metadata.* contains itself$/, () => node.send(node, 'x', { metadata: itself })],
    [/^metadata\.a must be a plain object.*not an object \(Map\)/, () => node.send(node, 'x', { metadata: { a: new Map([[1, 2]]) } })],
    [/^metadata\.a must be a plain object.*\(Set\)/, () => node.send(node, 'x', { metadata: { a: new Set([1]) } })],
    [/^metadata\[0\] must be a plain object.*\(Error\)/, () => node.send(node, 'x', { metadata: [new Error('x')] })],
    [/^metadata must be a plain object.*\(Uint8Array\)/, () => node.send(node, 'x', { metadata: new Uint8Array(2) })],
    [/^metadata\.a must be a plain object.*\(Mine\)/, () => node.send(node, 'x', { metadata: { a: new Mine() } })],
    [/^metadata\.a must be a plain object.*\(Promise\)/, () => node.send(node, 'x', { metadata: { a: Promise.resolve(1) } })],
    [/^metadata\.a must be a plain object.*\(without a class\)/, () => node.send(node, 'x', { metadata: { a: Object.create(Object.create(null)) } })],
    [/^metadata cannot have the member Symbol\(mine\); /, () => node.send(node, 'x', { metadata: { [Symbol('mine')]: 1 } })],
    [/^options must be a plain object.*\(Map\)/, () => node.send(node, 'x', new Map([['inReplyTo', 'y']]))],
    [/^options must be a plain object.*\(Map\)/, () => node.receive(new Map([['timeoutSecs', 0]]))],
    [/^options must be a plain object.*\(Date\)/, () => node.info(new Date())],
    [/^given must be a plain object.*\(Map\)/, () => node.call('peers.list', new Map())],
    [/^content is no text/, () => node.send(node, '\ud800')],
    [/unknown field `inReplyToo`.*`inReplyTo`/, () => node.send(node, 'x', { inReplyToo: 'y' })],
    [/^in_reply_to is not known; here it is called inReplyTo$/, () => node.send(node, 'x', { in_reply_to: 'y' })],
    [/^options must be an object, not "now"$/, () => node.info('now')],
    [/^signal must be an AbortSignal$/, () => node.info({ signal: 7 })],
    [/^kinds is empty/, () => node.receive({ kinds: [] })],
    [/^kinds: /, () => node.receive({ kinds: 'friend' })],
    [/^from is empty/, () => node.receive({ from: [] })],
    [/^content is given twice$/, () => node.send(node, 'x', { content: 'y' })],
    [/^verb must be text/, () => node.call(7)],
    [/^sequence/, () => node.messages.acknowledge('first')],
  ];
  for (const [sentence, call] of wrong) {
    await assert.rejects(call(), (error) => {
      assert.equal(error instanceof dmagent.InvalidInputError, true, String(error));
      assert.match(error.message, sentence);
      return true;
    });
  }
  assert.throws(() => node.inbox(new Map()), { code: 'invalid_argument', message: /^options must be a plain object/ });
  assert.throws(() => node.events(new Date()), { code: 'invalid_argument', message: /^options must be a plain object/ });
  assert.throws(() => setLog(null, new Map()), { code: 'invalid_argument', message: /^options must be a plain object/ });
  assert.throws(() => node.inbox({ timeoutSecs: 7 }), { code: 'invalid_argument', message: /^inbox takes no timeoutSecs/ });
  assert.throws(() => node.setPolicy({}), { code: 'invalid_argument', message: /^policy must be an object with any/ });
  assert.throws(() => new Node(), { code: 'invalid_argument', message: /Node\.open/ });
});

test('settings that cannot be used are named', async () => {
  const wrong = [
    [{ displayNam: 'x' }, /unknown field `displayNam`.*`displayName`/],
    [{ displayName: 7 }, /displayName/],
    [{ limits: { peers: 7 } }, /limits\.peers: unknown field/],
    [{ host: 'localhost' }, /host/],
    [{ port: 70_000 }, /port/],
  ];
  for (const [settings, sentence] of wrong) {
    await assert.rejects(Node.ephemeral(settings), { code: 'config_invalid', name: 'ConfigError', message: sentence });
  }
  const plain = [[new Map(), 'settings'], [new Date(), 'settings'], [{ limits: new Map() }, 'limits']];
  for (const [settings, place] of plain) {
    await assert.rejects(Node.ephemeral(settings), { code: 'invalid_argument', message: new RegExp(`^${place} must be a plain object`) });
  }
  await assert.rejects(Node.ephemeral({ limits: [] }), { code: 'invalid_argument', message: 'limits must be an object, not an array' });
  await assert.rejects(Node.ephemeral(7), { code: 'invalid_argument', message: 'settings must be an object, not 7' });
  await assert.rejects(Node.ephemeral({ display_name: 'x' }), { message: /here it is called displayName$/ });
});

test('the stack of an error leads to the call of the program', async (t) => {
  const node = await opened(t, 'alice');
  const [nobody, reason] = ['http://127.0.0.1:1', new Error('enough')];
  const peer = '00'.repeat(32);
  const calls = {
    connect: () => node.connect(nobody),
    send: () => node.send(peer, 'x', { unknown: 7 }),
    inbox: async () => {
      for await (const message of node.inbox({ inReplyTo: 7 })) assert.fail(message.content);
    },
    ask: () => node.ask(peer, 'x', { timeoutSecs: 1 }),
    get: () => node.peers.get(peer),
    call: () => node.call('no.verb'),
    open: () => Node.ephemeral({ maxConnections: 0 }),
    closed: () => node.receive(),
    update: () => node.update({ bio: 'x' }),
    next: () => node.messages.next(),
  };
  for (const [name, call] of Object.entries(calls)) {
    if (name === 'closed') await node.close();
    async function theProgram() {
      await call();
    }
    await assert.rejects(theProgram(), ({ stack }) => {
      assert.match(stack, /\btheProgram\b/, name);
      assert.match(stack, /errors\.test\.mjs/, name);
      return true;
    });
  }
  // A reason belongs to the program, and is left as it is.
  const { stack } = reason;
  await assert.rejects(node.info({ signal: AbortSignal.abort(reason) }), (error) => error === reason && error.stack === stack);
});

test('an error that nobody catches tells which call of the program failed', async () => {
  const { status, complained } = await program(`
    import { Node } from 'dmagent';
    const node = await Node.ephemeral();
    async function theProgram() {
      await node.connect('http://127.0.0.1:1');
    }
    theProgram();
  `);
  assert.equal(status, 1);
  assert.match(complained, /^UnreachableError: .*\n(?: +at .*\n)* +at async theProgram /m);
});

test('what JSON keeps may stand in metadata, wherever it was made', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  const metadata = {
    plain: { a: [1, null, { b: true }], left: undefined },
    bare: Object.assign(Object.create(null), { c: 1 }),
    elsewhere: runInNewContext('({ d: [{}] })'),
    moment: new Date(0),
    tells: new (class { toJSON() { return { e: 1 }; } })(),
    bytes: Buffer.from('f'),
    big: 2n ** 50n,
  };
  await alice.send(toBob, 'x', Object.assign(Object.create(null), { metadata }));
  const message = await bob.receive();
  assert.deepEqual(message.metadata, {
    plain: { a: [1, null, { b: true }] },
    bare: { c: 1 },
    elsewhere: { d: [{}] },
    moment: '1970-01-01T00:00:00.000Z',
    tells: { e: 1 },
    bytes: { type: 'Buffer', data: [102] },
    big: 2 ** 50,
  });
  await message.acknowledge();
});
