// The end of a process: it comes by itself when nobody waits, with status 0 and without a word.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { program } from './helpers.mjs';

const TIMES = 5;

const OPENED = `
  import { Node } from 'dmagent';
  const node = await Node.ephemeral({ http: true });
`;

const CONNECTED = `${OPENED}
  const other = await Node.ephemeral({ http: true });
  const peer = await node.connect((await other.info()).url);
`;

const programs = {
  'nothing but the import': `import 'dmagent';`,
  'an open node': OPENED,
  'a closed node': `${OPENED} await node.close();`,
  'a node that was forgotten': `${OPENED} await Node.ephemeral({ http: true });`,
  'a listener': `${CONNECTED} node.on('message_received', () => {}); other.on('peer_updated', () => {});`,
  'a listener that was called': `${CONNECTED}
    other.on('message_received', (event) => console.log(event.kind === 'peer' ? '' : ''));
    await node.send(peer, 'x');`,
  'a policy': `${CONNECTED} other.setPolicy({ admitMessage: () => 'accept' }); await node.send(peer, 'x');`,
  'a message that is held': `${CONNECTED} await node.send(peer, 'x'); globalThis.held = await other.receive();`,
  'an inbox that was left': `${CONNECTED}
    await node.send(peer, 'x');
    for await (const message of other.inbox()) { await message.acknowledge(); break; }`,
  'a stream that nobody reads': `${OPENED} node.events(); node.inbox();`,
  'a wait that was aborted': `${OPENED}
    await node.receive({ signal: AbortSignal.timeout(1) }).catch((error) => { if (error.name !== 'TimeoutError') throw error; });`,
  'a log': `import { setLog } from 'dmagent'; setLog(() => {}, { level: 'trace' }); ${OPENED}`,
  'process.exit in the middle': `${CONNECTED}
    other.on('message_received', () => {});
    for (let index = 0; index < 20; index += 1) node.send(peer, 'x');
    node.receive();
    process.exit(0);`,
};

for (const [name, text] of Object.entries(programs)) {
  test(`a process ends by itself: ${name}`, async () => {
    for (let round = 0; round < TIMES; round += 1) {
      const { status, signal, complained } = await program(text);
      assert.deepEqual({ status, signal, complained }, { status: 0, signal: null, complained: '' });
    }
  });
}

test('a call that waits keeps the process alive', async () => {
  const { status, said } = await program(`${CONNECTED}
    setTimeout(() => node.send(peer, 'late'), 50).unref();
    const alive = other.receive();
    console.log((await alive).content);
  `);
  // The timer is not what it lives from.
  assert.equal(said, 'late\n');
  assert.equal(status, 0);
});

test('a listener that throws is a mistake of the program', async () => {
  const { status, complained } = await program(`${CONNECTED}
    other.on('message_received', () => { throw new Error('my mistake'); });
    await node.send(peer, 'x');
    await other.receive();
    await other.receive();
  `);
  assert.equal(status, 1);
  assert.match(complained, /my mistake/);
});
