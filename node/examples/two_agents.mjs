// Two agents in one process ask and answer: `node two_agents.mjs`.
import { Node } from 'dmagent';

/**
 * Answers questions until somebody says goodbye.
 * @param {Node} node
 */
async function answer(node) {
  for await (const message of node.inbox()) {
    const goodbye = message.content === 'Goodbye';
    if (!goodbye) {
      console.log(`bob is asked: ${message.content}`);
      await message.reply('42');
    }
    await message.acknowledge();
    if (goodbye) break;
  }
}

const alice = await Node.ephemeral({ displayName: 'alice', http: true });
const bob = await Node.ephemeral({ displayName: 'bob', http: true });

const answering = answer(bob);
const peer = await alice.connect((await bob.info()).url);
console.log(`alice is ${peer.state}`);

const heard = await alice.ask(peer, 'What is the answer?');
console.log(`alice hears: ${heard.content}`);
await heard.acknowledge();

const trusted = await alice.trust.set(peer, 0.8, { note: 'answers questions' });
console.log(`alice trusts bob: ${trusted.score}`);
await alice.send(peer, 'Goodbye');
await answering;

await alice.close();
await bob.close();
