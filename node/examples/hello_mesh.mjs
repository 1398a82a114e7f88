// Two agents meet, and one greets the other: `node hello_mesh.mjs`.
import { Node } from 'dmagent';

const alice = await Node.ephemeral({ http: true }); // nothing on disk: for trying and testing
const bob = await Node.ephemeral({ http: true });

const peer = await alice.connect((await bob.info()).url);
const receipt = await alice.send(peer, 'Hello, mesh!');
console.log(`alice's message is ${receipt.state}`);

const message = await bob.receive();
console.log(`bob reads: ${message.content}`);
await message.acknowledge(); // before this line a crash brings it back

await alice.close();
await bob.close();
