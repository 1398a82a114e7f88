// What a program in TypeScript sees as an ES module: checked by `tsc`, never run.
import { Node, fenced, setLog, version, type AnyEvent, type PeerConnected } from 'dmagent';

setLog(({ level, text }) => console.log(level, text), { level: 'warn' });

const node = await Node.ephemeral();
const known: number | null | undefined = (await node.trust.get(node))?.score;
const peers: readonly { displayName: string | null }[] = await node.peers.list();
const told: bigint | undefined = (await node.messages.list())[0]?.sequence;
const written: string | undefined = (await node.messages.list())[0]?.toJSON().sequence;
const done: void = await node.peers.disconnect('agent', { reason: version });
const verified: boolean = await node.passport.verify(node, 'data', 'signature', { context: 'c' });
export const connected = (event: AnyEvent): event is PeerConnected => event.type === 'peer_connected';
export default [known, peers, told, written, done, verified, fenced('x')];
