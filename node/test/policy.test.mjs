// A JavaScript object decides: plain, async, throwing, slow, gone.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { collect, heard, opened, pair } from './helpers.mjs';

/** The warnings about policies that failed while `work` runs. */
async function warned(work) {
  const warnings = [];
  const note = (warning) => warnings.push(warning);
  process.on('warning', note);
  try {
    await work();
    // Warnings are told a turn later.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('warning', note);
  }
  return warnings.filter(({ name }) => name === 'DmagentPolicyWarning').map(({ message }) => message);
}

test('a policy decides about connections', async (t) => {
  const [alice, mallory, bob] = [await opened(t, 'alice'), await opened(t, 'mallory'), await opened(t, 'bob')];
  const asked = [];
  bob.setPolicy({
    async admitConnection(question) {
      asked.push(question);
      return question.agentId === alice.agentId ? 'accept' : { refuse: 'I only talk to friends' };
    },
  });
  const { url } = await bob.info();
  assert.equal((await alice.connect(url)).state, 'connected');
  await assert.rejects(mallory.connect(url), { name: 'RefusedError' });
  assert.deepEqual(asked.map(({ displayName }) => displayName), ['alice', 'mallory']);
  assert.equal(asked[0].identityVerified, true);
  assert.equal(asked[0].trust, null);
});

test('a connection can wait for a decision', async (t) => {
  const [alice, bob] = [await opened(t, 'alice'), await opened(t, 'bob')];
  bob.setPolicy({ admitConnection: () => 'ask' });
  const requested = heard(bob, 'connection_requested');
  assert.equal((await alice.connect((await bob.info()).url)).state, 'pending');
  const { requestId } = await requested;
  assert.equal((await bob.peers.pending())[0].requestId, requestId);
  const connected = heard(alice, 'peer_connected');
  assert.equal((await bob.peers.accept(requestId)).agentId, alice.agentId);
  assert.equal((await connected).agentId, bob.agentId);
});

test('a policy decides about messages and their ways', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  const carol = await opened(t, 'carol');
  await bob.connect((await carol.info()).url);
  bob.setPolicy({
    admitMessage: ({ content }) => (content.includes('buy') ? { refuse: 'No advertisements' } : 'accept'),
    async route({ metadata }) {
      if (metadata.type === 'chatter') return 'drop';
      return metadata.type === 'for carol' ? { forward: carol } : undefined;
    },
  });
  const refused = await alice.send(toBob, 'buy this');
  assert.equal(refused.state, 'refused');
  assert.match(refused.deliveries[0].reason.text, /No advertisements/);
  await alice.send(toBob, 'nice weather', { metadata: { type: 'chatter' } });
  await alice.send(toBob, 'hello carol', { metadata: { type: 'for carol' } });
  await alice.send(toBob, 'fire');
  const message = await bob.receive();
  assert.equal(message.content, 'fire');
  await message.acknowledge();
  const forwarded = await carol.receive();
  assert.match(forwarded.content, /hello carol$/);
  await forwarded.acknowledge();
});

test('a policy that throws, rejects or talks nonsense means the safe answer', async (t) => {
  const broken = {
    throws: () => {
      throw new TypeError('a mistake');
    },
    rejects: async () => Promise.reject(new TypeError('a mistake')),
    nonsense: () => 'perhaps',
    nothing: () => undefined,
  };
  for (const [name, admitMessage] of Object.entries(broken)) {
    const { alice, bob, toBob } = await pair(t);
    const warnings = await warned(async () => {
      bob.setPolicy({ admitMessage });
      // Its sender keeps the message and tries again.
      assert.equal((await alice.send(toBob, name)).state, 'stored', name);
    });
    assert.match(warnings[0], /^admitMessage of the policy failed/, name);
    bob.setPolicy(null);
  }
});

test('a policy that is slow means the safe answer, and may still answer', async (t) => {
  const { alice, bob, toBob } = await pair(t, { bob: { policyTimeoutMs: 50 } });
  const { promise, resolve } = withResolvers();
  bob.setPolicy({ admitMessage: () => promise });
  assert.equal((await alice.send(toBob, 'x')).state, 'stored');
  resolve('accept');
  bob.setPolicy(null);
});

test('a policy lives as long as its node', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  (() => bob.setPolicy({ admitMessage: () => ({ refuse: 'never' }) }))();
  await collect();
  assert.equal((await alice.send(toBob, 'x')).state, 'refused');
  bob.setPolicy(null);
  assert.equal((await alice.send(toBob, 'x')).state, 'accepted');
});

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('whatever a policy throws or answers, it gets the safe answer at once, and its owner a warning', async (t) => {
  const thrower = (thrown) => () => {
    throw thrown;
  };
  const untouchable = new Proxy(
    {},
    {
      get: thrower(1),
      getPrototypeOf: thrower(2),
    },
  );
  const broken = {
    'a name that is no text': thrower({ name: Symbol('x') }),
    'a class that is no text': thrower({ constructor: { name: Symbol('x') } }),
    'what cannot be touched': thrower(untouchable),
    'an error with an odd stack': thrower(Object.assign(new Error('x'), { stack: Symbol('x') })),
    'an error that does not tell its name': thrower(Object.defineProperty(new Error('x'), 'name', { get: thrower(3) })),
    null: thrower(null),
    nothing: thrower(undefined),
    'a symbol': thrower(Symbol('x')),
    'a promise that throws': () => ({ then: thrower(4) }),
    'an answer that throws': () => ({ get refuse() { throw untouchable; } }),
    'an answer that cannot be touched': async () => Promise.reject(untouchable),
    'a number': () => 1n,
    'half a character': () => ({ refuse: '\ud800' }),
  };
  for (const [name, admitConnection] of Object.entries(broken)) {
    // Late would be too late for the one that asks.
    const [alice, bob] = [await opened(t, 'alice'), await opened(t, 'bob', { policyTimeoutMs: 60_000 })];
    const warnings = await warned(async () => {
      bob.setPolicy({ admitConnection });
      assert.equal((await alice.connect((await bob.info()).url)).state, 'pending', name);
    });
    assert.equal(warnings.length, 1, name);
    assert.match(warnings[0], /^admitConnection of the policy failed/, name);
  }
});

test('a message is forwarded to agents, and not to whatever text', async (t) => {
  const { alice, bob, toBob } = await pair(t);
  for (const forward of ['\ud800', 'carol', ['f'.repeat(63)]]) {
    const warnings = await warned(async () => {
      bob.setPolicy({ route: () => ({ forward }) });
      await alice.send(toBob, 'for carol');
    });
    assert.match(warnings[0], /^route of the policy failed.*forward takes agent ids/);
    bob.setPolicy(null);
  }
});
