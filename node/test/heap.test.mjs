// What JavaScript holds does not grow with the messages it has handled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './helpers.mjs';

// Two nodes of one process, 32 messages under way; the heap in bytes after a fifth of the messages and at the end.
const PROGRAM = `
import { Node } from 'dmagent';
const [ALL, AT_ONCE] = [100_000, 32];
const settings = { http: false, memory: true, limits: { peer: null } };
const [sender, receiver] = [await Node.ephemeral(settings), await Node.ephemeral(settings)];
const peer = await sender.connect((await receiver.info()).url);

async function heap() {
  // Finalizers run between two collections.
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

const handled = new Array(AT_ONCE);
async function work(worker) {
  for (let sent = 0; sent < ALL / AT_ONCE; sent += 1) {
    const done = new Promise((resolve) => { handled[worker] = resolve; });
    await sender.send(peer, String(worker));
    await done;
  }
}

let [number, early] = [0, 0];
const sending = Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => work(worker)));
for await (const message of receiver.inbox({ kinds: ['peer'] })) {
  await message.acknowledge();
  number += 1;
  if (number === ALL / 5) early = await heap();
  handled[Number(message.content)]();
  if (number === ALL) break;
}
await sending;
console.log(JSON.stringify({ number, early, late: await heap() }));
await sender.close();
await receiver.close();
`;

test('the heap is stable over 100,000 messages', async () => {
  const { status, said, complained } = await program(PROGRAM, { flags: ['--expose-gc'], timeout: 900_000 });
  assert.equal(status, 0, complained);
  const { number, early, late } = JSON.parse(said);
  assert.equal(number, 100_000);
  // A leak of one small object for each message would be several megabytes.
  assert.ok(late - early < 2 ** 20, `${early} bytes after a fifth, ${late} at the end`);
});
