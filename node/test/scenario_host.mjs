// The host of the scenarios for Node.js; `core/tests/scenarios/README.md` has its protocol.
//
// It reads commands as JSON lines, carries one node, and ends with its standard input.
import { createInterface } from 'node:readline';

import { DmError, Node } from 'dmagent';

import shapes from '../lib/shapes.cjs';

/** What people put into these has names of their own. */
const THEIRS = new Set(['metadata', 'capabilities', 'match', 'access_overrides', 'accessOverrides']);

let node;
/** Messages that nobody has handled yet, by their place in the inbox. */
let held = new Map();

/** A value with the names of its members changed, in this language or back. */
function renamed(value, rename) {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value === 'bigint') return Number(value);
  if (value === null || typeof value !== 'object') return value ?? null;
  const members = Object.entries(value);
  return Object.fromEntries(
    members.map(([name, member]) => [rename(name), THEIRS.has(name) ? member : renamed(member, rename)]),
  );
}

const ours = (value) => renamed(value, (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()));
const plain = (value) => renamed(value, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function call(verb, given) {
  if (['messages.acknowledge', 'messages.release'].includes(verb) && held.has(given.sequence)) {
    const message = held.get(given.sequence);
    held.delete(given.sequence);
    return verb === 'messages.acknowledge' ? message.acknowledge() : message.release(given.delay_secs);
  }
  const [noun, method] = verb.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()).split('.');
  const { ...options } = ours(given);
  const row = shapes.VERBS[verb].row.map((name) => {
    const value = options[name];
    delete options[name];
    return value;
  });
  const result = await (noun === 'node' ? node : node[noun])[method](...row, options);
  // One that is listed is not handed out.
  if (['messages.next', 'messages.ask'].includes(verb) && result) held.set(Number(result.sequence), result);
  return result;
}

async function listen(id, events) {
  for await (const event of events) say({ id, event: plain(event) });
}

async function done(command) {
  if (command.open) {
    node = await Node.open(ours(command.open));
    held = new Map();
    return { agent_id: node.agentId, url: (await node.info()).url, token: node.localToken };
  }
  if (command.events) {
    listen(command.id, node.events());
    return null;
  }
  if (command.close) return node.close();
  if (command.by_name) return node.call(command.by_name, ours(command.with));
  return call(command.call, command.with);
}

async function obey(command) {
  const { id } = command;
  try {
    say({ id, ok: plain(await done(command)) });
  } catch (error) {
    if (!(error instanceof DmError)) return say({ id, fault: String(error?.stack ?? error) });
    const { code, number, retryable, context, message } = error;
    say({ id, error: { code, number, retryable, context, message, class: error.constructor.name } });
  }
}

const running = new Set();
for await (const line of createInterface({ input: process.stdin })) {
  const task = obey(JSON.parse(line)).finally(() => running.delete(task));
  running.add(task);
}
// The end of the input: whoever still waits hears that the node is closed.
await node?.close();
await Promise.all(running);
