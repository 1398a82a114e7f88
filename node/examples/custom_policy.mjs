// An agent that decides for itself whom it talks to: `node custom_policy.mjs`.
import { Node, RefusedError } from 'dmagent';

/** @typedef {import('dmagent').Policy} Policy */

/**
 * Lets friends in, takes no advertisements, and does not disturb the agent with chatter.
 *
 * Methods may be plain or async. One that throws or takes too long means the safe answer: a connection waits for a
 * decision, and a message stays with its sender.
 * @implements {Policy}
 */
class Doorkeeper {
  /** @param {Set<string>} friends */
  constructor(friends) {
    this.friends = friends;
  }

  /**
   * @param {import('dmagent').ConnectionQuestion} question
   * @returns {Promise<'accept' | import('dmagent').Refusal>}
   */
  async admitConnection(question) {
    // The id is proven; the name is whatever the other side likes.
    return this.friends.has(question.agentId) ? 'accept' : { refuse: 'I only talk to friends' };
  }

  /**
   * @param {import('dmagent').MessageQuestion} question
   * @returns {'accept' | import('dmagent').Refusal}
   */
  admitMessage(question) {
    return question.content.toLowerCase().includes('buy now') ? { refuse: 'No advertisements' } : 'accept';
  }

  /**
   * @param {import('dmagent').MessageQuestion} question
   * @returns {'drop' | undefined}
   */
  route(question) {
    return question.metadata.type === 'chatter' ? 'drop' : undefined;
  }
}

const alice = await Node.ephemeral({ displayName: 'alice', http: true });
const mallory = await Node.ephemeral({ displayName: 'mallory', http: true });
const bob = await Node.ephemeral({ displayName: 'bob', http: true });
bob.setPolicy(new Doorkeeper(new Set([alice.agentId])));

const { url } = await bob.info();
try {
  await mallory.connect(url);
} catch (error) {
  if (!(error instanceof RefusedError)) throw error;
  console.log(`mallory is refused: ${error.code}`);
}
const peer = await alice.connect(url);
console.log(`alice is ${peer.state}`);

const advertisement = await alice.send(peer, 'Buy now!');
console.log(`the advertisement is ${advertisement.state}`);
await alice.send(peer, 'Nice weather', { metadata: { type: 'chatter' } });
await alice.send(peer, 'Your house is on fire');
const message = await bob.receive();
console.log(`bob reads: ${message.content}`);
await message.acknowledge();

for (const node of [alice, mallory, bob]) await node.close();
