// What a program in TypeScript sees as CommonJS: checked by `tsc`, never run.
import { Node, DmError, TimeoutError, type Message, type Peer, type Settings, type Untrusted } from 'dmagent';

const settings: Settings = { displayName: 'alice', limits: { peer: null }, negativeTrustSecs: 7n, discoveryPorts: [1, 2] };

export async function program(): Promise<string> {
  const node: Node = await Node.open(settings, { signal: AbortSignal.timeout(1000) });
  node.on('peer_connected', (event) => event.displayName?.slice(1));
  // @ts-expect-error: there is no such event
  node.on('peer_conected', () => {});
  const peer: Peer = await node.connect('http://127.0.0.1:1', { expect: node });
  const message: Message | null = await node.receive({ timeoutSecs: 1, kinds: 'peer', from: [peer] });
  const since: bigint = (await node.receive()).receivedAt;
  const text: Untrusted = (await node.ask(peer, 'why?')).content;
  // @ts-expect-error: text of our own is not untrusted
  const other: Untrusted = 'mine';
  // @ts-expect-error: a setting of another name
  await Node.open({ displayNam: 'x' });
  await node.call('peers.list');
  await node.call('messages.send', { to: peer.agentId, content: 'x', metadata: { list: [1, 2] } });
  // @ts-expect-error: arguments are an object
  await node.call('peers.list', 'text');
  // @ts-expect-error: and no list
  await node.call('peers.list', ['text']);
  // @ts-expect-error: and no number
  await node.call('peers.list', 7);
  // @ts-expect-error: metadata is an object
  await node.send(peer, 'x', { metadata: 'text' });
  // @ts-expect-error: a reply answers its message
  await message?.reply('x', { inReplyTo: 'y' });
  const stored: boolean = (await message?.acknowledge()) ?? false;
  for await (const event of node.events()) {
    if (event.type === 'missed') return String(event.missed + since);
    if (event.type === 'agent_discovered') return event.found.url + text + other + stored;
  }
  node.setPolicy({ admitMessage: ({ content }) => (content.length > 7 ? { refuse: 'too long' } : 'accept'), route: () => {} });
  await node.close();
  return '';
}

export function advice(error: unknown): string {
  if (error instanceof TimeoutError) return 'later';
  return error instanceof DmError && error.code === 'timeout' && error.retryable ? error.context.to ?? '' : 'never';
}
