// Worker threads: a node lives in one, and its end is the node's end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { Node } from 'dmagent';

import { opened, program } from './helpers.mjs';

const ECHO = new URL('echo_worker.mjs', import.meta.url);

/** A worker with a node that echoes; and where it listens. */
async function echo(workerData = {}) {
  const worker = new Worker(ECHO, { workerData });
  const [url] = await once(worker, 'message');
  return { worker, url };
}

test('a node in a worker answers the main thread', async (t) => {
  const { worker, url } = await echo();
  t.after(() => worker.terminate());
  const alice = await opened(t, 'alice');
  const answer = await alice.ask(await alice.connect(url), 'x');
  assert.equal(answer.content, 'echo: x');
  await answer.acknowledge();
});

test('terminating a worker in the middle of everything harms nobody', async (t) => {
  const alice = await opened(t, 'alice');
  for (let round = 0; round < 8; round += 1) {
    const { worker, url } = await echo();
    const peer = await alice.connect(url);
    for (let index = 0; index < 10; index += 1) alice.send(peer, 'x', { timeoutSecs: 0.1 }).catch(() => {});
    await worker.terminate();
  }
  assert.equal((await alice.info()).active, true);
});

test('the folder of a terminated worker is free', async (t) => {
  const projectDir = await mkdtemp(join(tmpdir(), 'dmagent-'));
  t.after(() => rm(projectDir, { recursive: true, force: true }));
  const { worker } = await echo({ projectDir });
  await assert.rejects(Node.open({ projectDir }), { name: 'StoreError' });
  await worker.terminate();
  let node;
  while (node === undefined) {
    // What the node was doing comes to an end first.
    node = await Node.open({ projectDir }).catch((error) => assert.equal(error.code, 'store_owned'));
  }
  await node.close();
});

test('a library that only workers used can go and come', async () => {
  const { status, signal, complained } = await program(`
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    for (let round = 0; round < 5; round += 1) {
      const worker = new Worker(new URL(${JSON.stringify(ECHO.href)}), { workerData: {}, execArgv: [] });
      await once(worker, 'message');
      await worker.terminate();
    }
  `);
  assert.deepEqual({ status, signal, complained }, { status: 0, signal: null, complained: '' });
});
