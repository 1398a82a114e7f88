// The benchmark of the languages, for Node.js. See `core/benches/language/README.md`.
import { createInterface } from 'node:readline';
import { Node } from 'dmagent';

// How many messages of a pair are under way.
const AT_ONCE = 32;

// The clock of the machine, finer than that of `Date`.
const moment = () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6));
const residentKib = () => Math.round(process.memoryUsage.rss() / 1024);

const onDisk = (projectDir, durability) => ({ projectDir, durability, limits: { peer: null } });

async function receive(settings) {
  const node = await Node.open(settings);
  console.log((await node.info()).url);
  const end = new AbortController();
  process.stdin.on('end', () => end.abort()).resume();
  try {
    for await (const message of node.inbox({ kinds: ['peer'], signal: end.signal })) {
      const waited = moment() - BigInt(message.content.trim());
      await message.acknowledge();
      console.log(String(waited));
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
  }
  await node.close();
}

async function send(settings, url) {
  const node = await Node.open(settings);
  const peer = await node.connect(url);
  for await (const _ of createInterface({ input: process.stdin })) {
    await node.send(peer, String(moment()).padEnd(256));
  }
  await node.close();
}

async function pair(count) {
  const quiet = () => Node.ephemeral({ http: false, memory: true, limits: { peer: null } });
  const [sender, receiver] = [await quiet(), await quiet()];
  const peer = await sender.connect((await receiver.info()).url);
  const handled = new Array(AT_ONCE);

  async function work(worker) {
    const messages = Math.floor(count / AT_ONCE) + Number(worker < count % AT_ONCE);
    for (let number = 0; number < messages; number += 1) {
      const done = new Promise((resolve) => { handled[worker] = resolve; });
      await sender.send(peer, String(worker).padEnd(256));
      await done;
    }
  }

  const began = performance.now();
  const sending = Promise.all(handled.fill(undefined).map((_, worker) => work(worker)));
  let [number, early] = [0, 0];
  for await (const message of receiver.inbox({ kinds: ['peer'] })) {
    await message.acknowledge();
    handled[Number(message.content)]();
    number += 1;
    if (number === Math.ceil(count / 10)) early = residentKib();
    if (number === count) break;
  }
  const rate = count / ((performance.now() - began) / 1000);
  await sending;
  console.log(`${rate.toFixed(0)} ${early} ${residentKib()}`);
  await sender.close();
  await receiver.close();
}

const [role, ...rest] = process.argv.slice(2);
if (role === 'receive' && rest.length === 2) await receive(onDisk(rest[0], rest[1]));
else if (role === 'send' && rest.length === 3) await send(onDisk(rest[0], rest[1]), rest[2]);
else if (role === 'pair' && rest.length === 1) await pair(Number(rest[0]));
else throw new Error('receive FOLDER DURABILITY, send FOLDER DURABILITY URL, or pair COUNT');
