// The worker of `worker.test.mjs`: a node that echoes and tells where it listens.
import { parentPort, workerData } from 'node:worker_threads';

import { Node } from 'dmagent';

const node = workerData.projectDir
  ? await Node.open({ projectDir: workerData.projectDir })
  : await Node.ephemeral({ http: true });
node.on('message_received', () => {});
node.setPolicy({ admitMessage: () => 'accept' });
parentPort.postMessage((await node.info()).url);
for await (const message of node.inbox()) {
  await message.reply(`echo: ${message.content}`);
  await message.acknowledge();
}
