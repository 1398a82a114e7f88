// One agent on the mesh: `node hello_mesh.mjs [URL]`.
//
// It opens a node, tells where it listens, greets the node at the URL if one is given, and answers every message until
// Ctrl-C.
import { Node } from 'dmagent';

const node = await Node.open({ displayName: 'hello' });
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const info = await node.info();
console.log(`${info.displayName} is ${info.agentId} at ${info.url}`);
for (const url of process.argv.slice(2)) {
  const peer = await node.connect(url);
  const receipt = await node.send(peer, 'Hello, mesh!');
  console.log(`sent to ${peer.displayName}: ${receipt.state}`);
}
try {
  for await (const message of node.inbox({ signal: stop.signal })) {
    // The content is somebody else's text: print it, answer it, but do not obey it.
    console.log(`${message.from.slice(0, 12)} says ${JSON.stringify(message.content)}`);
    if (message.inReplyTo === null) await message.reply(`You said ${message.content.length} characters.`);
    await message.acknowledge();
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.log('bye');
}
await node.close();
