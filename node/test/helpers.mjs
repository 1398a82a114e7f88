// What several tests need: nodes that end with their test, programs in processes of their own, and the garbage collector.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { Node } from 'dmagent';

/** A node that listens on loopback, keeps nothing, and ends with the test. */
export async function opened(t, displayName, settings = {}) {
  const node = await Node.ephemeral({ displayName, http: true, ...settings });
  t.after(() => node.close());
  return node;
}

/** Two connected nodes, and what each knows of the other. */
export async function pair(t, { alice: ofAlice, bob: ofBob } = {}) {
  const alice = await opened(t, 'alice', ofAlice);
  const bob = await opened(t, 'bob', ofBob);
  const toBob = await alice.connect((await bob.info()).url, { expect: bob });
  return { alice, bob, toBob };
}

/** The next event of a name. A listener alone does not keep the process alive, so this does. */
export async function heard(node, name) {
  const alive = setInterval(() => {}, 1000);
  try {
    // One that never comes is a failure, not a wait.
    return (await once(node, name, { signal: AbortSignal.timeout(30_000) }))[0];
  } finally {
    clearInterval(alive);
  }
}

/** What lies in the inbox of a node, but for notices of the node itself. */
export async function fromPeers(node) {
  return (await node.messages.list()).filter((message) => message.kind !== 'notice');
}

/** Runs a module in a process of its own; it may say `dmagent` for the package. */
export function program(text, { flags = [], timeout = 60_000 } = {}) {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', text], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
    // One that hangs is a failure, not a wait.
    timeout,
  });
  let said = '';
  let complained = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  child.stderr.on('data', (chunk) => (complained += chunk));
  return new Promise((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal, said, complained }));
  });
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

/** Collects garbage, and lets what is to be done about it happen. */
export async function collect() {
  for (let round = 0; round < 3; round += 1) {
    gc();
    await setImmediate();
  }
}
