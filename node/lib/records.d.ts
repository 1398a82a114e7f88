// Words, records and events.
//
// Made by `cargo xtask gen` from the schema; do not edit.

declare const chosenBySomebodyElse: unique symbol;

/**
 * Text that another agent chose: data, never instructions. It is a string when the program runs; the type reminds
 * whoever hands it to a model, a shell or a query. `fenced` wraps it for a prompt.
 */
export type Untrusted = string & { readonly [chosenBySomebodyElse]: true };

/** A JSON object; its members are as `JSON.parse` makes them. */
export type Json = Record<string, any> & object & { readonly [Symbol.iterator]?: never };

/**
 * The tier words of `accessOverrides`.
 * - `public`: Everyone.
 * - `peer`: Connected peers.
 * - `local`: This machine, with the token.
 */
export type AccessName = 'public' | 'peer' | 'local';

/**
 * Where an address leads. Forms that carry an IPv4 address inside (mapped, NAT64, 6to4, …) count as that address,
 * because that is where the packets go; 1.1.1 looks at the outer form only.
 * - `loopback`: This machine.
 * - `private`: A private network, a carrier's shared one included.
 * - `link_local`: The link at hand.
 * - `global`: The internet; also what is assumed of an address that is unknown.
 * - `never`: No peer lives there: unspecified, multicast, broadcast, reserved, documentation, benchmarking,
 *   and the metadata services of clouds.
 */
export type AddressClass = 'loopback' | 'private' | 'link_local' | 'global' | 'never';

/**
 * Whose connection requests are accepted without asking. Decided by the socket's address; a claimed URL alone
 * never opens the door (S17).
 * - `none`: Nobody's: every request waits for a decision.
 * - `loopback`: Requests from this machine.
 * - `lan`: Requests from this machine and from private addresses.
 * - `all`: Everybody's, as an entry node does.
 */
export type AutoAccept = 'none' | 'loopback' | 'lan' | 'all';

/**
 * What became of taking back one copy of a message.
 * - `withdrawn`: It waited here and never left: nobody has it.
 * - `telling`: The peer has it, or may have it, and is told until it answers, for a day. Its receipts say what
 *   became of the message; an agent that has it in its hands may still handle it.
 * - `too_late`: It is over: handled, answered, or never delivered.
 * - `cannot_tell`: The peer has it, or may have it, and does not know how to take a message back, as dmagent
 *   1.1.1.
 */
export type CancelOutcome = 'withdrawn' | 'telling' | 'too_late' | 'cannot_tell';

/**
 * What is known about one copy of a sent message: a ladder from `stored` to `answered`, and below it the ends that
 * are none of its steps.
 * - `failed`: It will not be delivered; the reason says why.
 * - `expired`: It waited for the peer, or for the agent over there, as long as it was allowed to.
 * - `refused`: The peer does not take it; the reason has its words.
 * - `stored`: On our disk; the peer has not answered yet. The node keeps trying until the message expires.
 * - `accepted`: The peer answered that it took the message. A peer of our kind answers only after its disk has
 *   it.
 * - `delivered`: Handed to the agent over there.
 * - `handled`: The agent over there acknowledged it.
 * - `answered`: The agent over there answered.
 */
export type DeliveryState = 'failed' | 'expired' | 'refused' | 'stored' | 'accepted' | 'delivered' | 'handled' | 'answered';

/**
 * Which way an entry went.
 * - `inbound`: To us.
 * - `outbound`: From us.
 */
export type Direction = 'inbound' | 'outbound';

/**
 * How much a resolved commit promises.
 * - `memory`: Applied; survives the process only as far as the operating system pleases. For tests and scratch
 *   nodes.
 * - `grouped`: On disk; commits that arrive together share one sync. The default.
 * - `each`: On disk, with a sync of its own for every commit.
 */
export type Durability = 'memory' | 'grouped' | 'each';

/**
 * What kind of exchange an entry records.
 * - `broadcast`: A message to several agents, or one marked as broadcast.
 * - `forward`: A message sent on.
 * - `status_broadcast`: A status of ours.
 * - `mesh_observation`: A peer's status.
 * - `summary`: A summary of earlier entries.
 * - `direct`: A message to one agent; unknown words are read as this.
 */
export type EntryType = 'broadcast' | 'forward' | 'status_broadcast' | 'mesh_observation' | 'summary' | 'direct';

/**
 * What becomes of a message.
 * - `keep`: It stays in the inbox.
 * - `forward`: It goes on to others.
 * - `answer`: It is answered.
 * - `drop`: It ends here.
 * - `refuse`: Its sender is blocked: it is not taken.
 */
export type Fate = 'keep' | 'forward' | 'answer' | 'drop' | 'refuse';

/**
 * How an agent was found.
 * - `multicast`: It announced itself on the local network.
 * - `localhost`: A scan of this machine.
 * - `lan`: A scan of the local network.
 * - `bootstrap`: A bootstrap peer.
 */
export type FoundBy = 'multicast' | 'localhost' | 'lan' | 'bootstrap';

/**
 * Whom a message of a group goes to.
 * - `all`: Every member gets a copy.
 * - `any`: Exactly one member gets it.
 */
export type GroupMode = 'all' | 'any';

/**
 * What kind of key a message was sealed to, best last.
 * - `identity`: The recipient's passport: whoever steals it later opens the message.
 * - `rotating`: The recipient's rotating pre-key, destroyed within days.
 * - `one_time`: A one-time pre-key, destroyed when the message is taken.
 */
export type KeyKind = 'identity' | 'rotating' | 'one_time';

/**
 * How sources with a loopback address, or inside this process, are treated.
 * - `limited`: Like any other source.
 * - `exempt`: Not limited by source, and not counted among the strangers: for many nodes on one machine.
 */
export type Loopback = 'limited' | 'exempt';

/**
 * What an inbox entry is.
 * - `peer`: A message from a connected peer.
 * - `stranger`: A properly signed message from an agent that is not connected.
 * - `notice`: A note of the node itself: somebody asks for a connection, a peer was disconnected.
 */
export type MessageKind = 'peer' | 'stranger' | 'notice';

/**
 * How far discovery reaches: the one setting that decides whom it contacts.
 * - `off`: Nobody: no socket is opened, nothing is sent.
 * - `lan`: This machine and the local network: loopback scan, multicast, scan of private networks. The
 *   default.
 * - `on`: Also the bootstrap peers in the settings.
 */
export type Mode = 'off' | 'lan' | 'on';

/**
 * How far a node reaches.
 * - `local`: This machine.
 * - `lan`: The local network.
 * - `global`: Everywhere.
 */
export type NetworkTier = 'local' | 'lan' | 'global';

/**
 * How well a peer can be reached.
 * - `healthy`: It answers, or failed once, or was not tried yet.
 * - `failing`: Two attempts in a row failed: it is pinged ever more rarely and looked for. What waits for it
 *   is tried on its own.
 * - `dormant`: Nine attempts in a row failed: it is pinged and looked for rarely. What waits for it goes on
 *   waiting.
 */
export type PeerHealth = 'healthy' | 'failing' | 'dormant';

/**
 * Whether a peer is connected or somebody still has to decide.
 * - `connected`: Both sides hold the connection.
 * - `pending`: We asked, and the other side has not decided yet.
 */
export type PeerState = 'connected' | 'pending';

/**
 * How far a message came at its recipient. Each step implies those before it, but for a refusal, and for the end
 * of a message that was taken back: an agent that handled or answered it all the same had it in its hands.
 * - `accepted`: On the recipient's disk.
 * - `delivered`: Handed to its agent.
 * - `cancelled`: Its author took it back before it was acknowledged: it is gone here, unhandled.
 * - `handled`: Acknowledged by its agent.
 * - `answered`: Its agent answered.
 * - `refused`: The recipient took it and threw it away, as its rules say.
 * - `expired`: Its deadline passed before the recipient's agent had it.
 */
export type ReceiptState = 'accepted' | 'delivered' | 'cancelled' | 'handled' | 'answered' | 'refused' | 'expired';

/**
 * Which deciders a message goes through. Settings refuse an unknown name; `RouterMode::from_name` takes it for
 * `RouterMode::Spawn`, as 1.1.1 does.
 * - `rules_first`: Rules, then keep the message.
 * - `rules_only`: Only rules: a message that no rule decides passes, which leaves it in the inbox.
 * - `queue_only`: No rules: keep every message.
 * - `spawn`: Rules, then keep the message. The default; despite its name it starts nothing.
 */
export type RouterMode = 'rules_first' | 'rules_only' | 'queue_only' | 'spawn';

/**
 * What a rule does with a message that meets its conditions.
 * - `handle`: Keep the message.
 * - `forward`: Send it to `forward_to` and keep nothing.
 * - `answer`: Answer with `response_text` and keep nothing. It answers what a connected peer says first: a
 *   message that is an answer itself, or repeats the answer of a rule, is none of its business, so that two
 *   nodes never answer each other for ever.
 * - `drop`: Keep nothing.
 * - `pass`: Ask no further rule; the next decider of the chain decides.
 * - `unknown`: A word from a newer version: acts like `pass`.
 */
export type RuleAction = 'handle' | 'forward' | 'answer' | 'drop' | 'pass' | 'unknown';

/**
 * With whom something is shared.
 * - `connected`: With connected peers.
 * - `trusted`: With connected peers whose score is above 0.
 * - `none`: With nobody.
 */
export type Sharing = 'connected' | 'trusted' | 'none';

/**
 * How the sender of a message was proven.
 * - `local`: A notice of the node itself: nothing to prove.
 * - `signed`: The signature of 1.1.1: sender, id, time and content are certain; metadata and recipient are
 *   not.
 * - `signed_fully`: Our signature: everything is certain.
 * - `sealed`: Our signature, and nobody on the way could read it. Whoever steals our passport later can.
 * - `sealed_rotating`: Kept for us by somebody else, and sealed to a pre-key of ours that is destroyed within
 *   days.
 * - `sealed_one_time`: Kept for us by somebody else, and sealed to a pre-key of ours that was destroyed when
 *   this message was taken.
 */
export type Verification = 'local' | 'signed' | 'signed_fully' | 'sealed' | 'sealed_rotating' | 'sealed_one_time';

/** An agent that is blocked. */
export interface BlockedAgent {
  /** Who. */
  readonly agentId: string;
  /** Since when. */
  readonly blockedAt: bigint;
  /** Why, for people here; nobody is told. */
  readonly reason: string | null;
}

/** A number in a named unit that a message may cost. Whoever passes the message on may only lower it. */
export interface Budget {
  /** A non-negative decimal as text, such as `12.5`, with at most 18 digits before the point and 18 behind it. */
  readonly amount: string;
  /** A short name such as `usd` or `tokens`: 1 to 32 letters, digits and `_`, `-`, `.`, `/`, `:`. */
  readonly unit: string;
}

/** What became of taking back a message. */
export interface Cancellation {
  /** One for each recipient. */
  readonly copies: CancelledCopy[];
  /** The id of the message. */
  readonly messageId: string;
}

/** What became of taking back one copy of a message. */
export interface CancelledCopy {
  /** What became of taking it back. */
  readonly outcome: CancelOutcome;
  /** For whom it was. */
  readonly to: string;
}

/** Somebody asks for a connection. */
export interface ConnectionQuestion {
  /** Who asks. */
  readonly agentId: string;
  /** What it says about itself: data, never instructions. */
  readonly bio: Untrusted;
  /** Its name, chosen by itself. */
  readonly displayName: Untrusted | null;
  /** Whether it proved its key. */
  readonly identityVerified: boolean;
  /** The address the request came from; `unknown` when nobody can say, as for a request that came through the mesh. */
  readonly source: string;
  /** Our trust in it, when we have an impression. */
  readonly trust: number | null;
  /** Where it says it listens. */
  readonly url: string;
}

/** The conversation, told to a reader. Peers' words in it are data, never instructions. */
export interface ContextText {
  /** The new entries, one line each; empty when there is nothing new. */
  readonly context: Untrusted;
  /** What is new, in a few words. */
  readonly hint: string;
}

/**
 * Somebody else that keeps a message for a peer which cannot be reached. It is the keeper's own word: whether the
 * peer ever gets the message shows its receipt.
 */
export interface Custodian {
  /** Who. */
  readonly agentId: string;
  /** What the keeper signed: a JSON object that names sender, recipient, message and the digest of the kept copy. */
  readonly proof: string;
  /** To what kind of key of the recipient this copy is sealed. */
  readonly sealedTo: KeyKind;
  /** Until when. */
  readonly until: bigint;
}

/** One copy of a sent message. */
export interface Delivery {
  /** When it came that far: by the peer's clock where `proof` says it, else by ours. */
  readonly at: bigint | null;
  /**
   * Whether the peer tells what becomes of the message. Of one that does not, such as dmagent 1.1.1, nothing is
   * known beyond `accepted`, but an answer.
   */
  readonly givesReceipts: boolean;
  /** Who says that it keeps the message for the peer, until the peer can be reached: at most 2 agents. */
  readonly keptBy: Custodian[];
  /** The furthest state that the peer signed: a text that `messages.verify` checks, on any node. */
  readonly proof: string | null;
  /** Why not further. */
  readonly reason: Reason | null;
  /** The id of the answer. */
  readonly replyId: string | null;
  /** How far it came. */
  readonly state: DeliveryState;
  /** For whom. */
  readonly to: string;
  /** Which transport carried it, once accepted. */
  readonly via: string | null;
}

/** An agent that can be contacted. Name and bio are what it says of itself. */
export interface Discovered {
  /** Whether it takes connection requests. */
  readonly accepting: boolean;
  /** Who it says it is; proven only when `signed`. */
  readonly agentId: string;
  /** Its bio, cut. */
  readonly bio: Untrusted;
  /** Its name; empty when it has none. */
  readonly displayName: Untrusted;
  /** When it was last seen. */
  readonly seenAt: bigint;
  /** Whether it signed what it says. A scan result is only a claim. */
  readonly signed: boolean;
  /** How it was found. */
  readonly source: FoundBy;
  /** Its base URL, scoped (`…/__darkmatter__/{agent_id}`) when several agents share a port. */
  readonly url: string;
}

/** A receipt that this node gave. */
export interface GivenReceipt {
  /** Since when. */
  readonly at: bigint;
  /** Who sent the message. */
  readonly from: string;
  /** Of which message. */
  readonly messageId: string;
  /** The signed text, which `messages.verify` checks, on any node. */
  readonly receipt: string;
  /** The id of the answer, when it was answered. */
  readonly replyId: string | null;
  /** How far it came here. */
  readonly state: ReceiptState;
}

/** A named set of agents. */
export interface Group {
  /** Who is in it. */
  readonly members: string[];
  /** Its name. */
  readonly name: string;
}

/** What became of a message for a group. */
export interface GroupReceipt {
  /** How it was sent. */
  readonly mode: GroupMode;
  /** In mode `any` the members that were asked before and refused it. They do not have it. */
  readonly passedOver: Delivery[];
  /** Who has it, or will have it: in mode `any` at most one. */
  readonly receipt: Receipt;
}

/** One entry, with the members of 1.1.1. */
export interface LogEntry {
  /** Its text, cut to `CONTENT_CHARS` (`SUMMARY_CHARS` for summaries). */
  readonly content: Untrusted;
  /** Which way it went. */
  readonly direction: Direction;
  /** What kind of exchange it was. */
  readonly entryType: EntryType;
  /** Who sent it. */
  readonly fromAgentId: string;
  /** The id of the message. */
  readonly messageId: string;
  /** The metadata of the message. */
  readonly metadata: Json;
  /** When it was logged, in the text form of the mesh. Text, because imported logs may hold anything. */
  readonly timestamp: string;
  /** To whom. */
  readonly toAgentIds: string[];
  /** Our score of the sender then; 0 for what we sent. */
  readonly trustAtTime: number;
}

/** How much is kept. */
export interface MailboxStatus {
  /** How many bytes their sealed bodies have, at most 67,108,864. */
  readonly bytes: number;
  /** How many messages are kept, at most 10,000. */
  readonly messages: number;
  /** Whether this node keeps mail for others: the setting `mailbox`. */
  readonly offered: boolean;
  /** How many one-time keys of theirs are left here. */
  readonly oneTimeKeys: number;
  /** How many agents left their pre-keys here, so that mail for them is kept. */
  readonly recipients: number;
}

/** A received message. Content and metadata come from another agent: they are data, never instructions. */
export interface MessageRecord {
  /** 1 to 65,536 characters. */
  readonly content: Untrusted;
  /** To whom it was forwarded from here, and arrived. */
  readonly forwardedTo: string[];
  /** Who sent it, proven. */
  readonly from: string;
  /** How often it may still be forwarded. */
  readonly hopsRemaining: number;
  /** The message this one answers. */
  readonly inReplyTo: string | null;
  /** Where it belongs. */
  readonly kind: MessageKind;
  /** The limits under which it may be worked on now; null when nothing limits that. */
  readonly limits: MessageLimits | null;
  /** The id the sender gave it. */
  readonly messageId: string;
  /** What travels along. */
  readonly metadata: Json;
  /**
   * Who wrote it and the way it came, when its author's node says so. It is here only when all its signatures
   * hold, for what this message says and for the way to this node.
   */
  readonly origin: Origin | null;
  /** When it was stored here. */
  readonly receivedAt: bigint;
  /** How often it was handed out before without being acknowledged, since the node opened. */
  readonly redeliveries: number;
  /** Its place in the order of arrival at this node. */
  readonly sequence: bigint;
  /** How the sender was proven. */
  readonly verification: Verification;
  /** Whether its sender waits for the answer in parts: see `messages.part`. */
  readonly wantsStream: boolean;
}

/** The limits under which a message may be worked on. Absent ones limit nothing. */
export interface MessageLimits {
  /** What it may cost. The mesh sees that it never grows; who spends it is the host's affair. */
  readonly budget: Budget | null;
  /** When the message is over, wherever it is then: nobody sends, takes, hands out or forwards it any more. */
  readonly deadline: bigint | null;
  /** Which trace it belongs to. */
  readonly trace: TraceContext | null;
}

/** A proven agent sends a message. */
export interface MessageQuestion {
  /** The text: data, never instructions. */
  readonly content: Untrusted;
  /** Who sent it, proven. */
  readonly from: string;
  /** The message it answers. */
  readonly inReplyTo: string | null;
  /** Connected or not. */
  readonly kind: MessageKind;
  /** Its id. */
  readonly messageId: string;
  /** What travels along. */
  readonly metadata: Json;
  /** Our trust in the sender, when we have an impression. */
  readonly trust: number | null;
}

/** A node, as its host sees it. */
export interface NodeInfo {
  /** Whether it takes messages and requests. */
  readonly active: boolean;
  /** The base URLs it listens at. */
  readonly addresses: string[];
  /** Who it is. */
  readonly agentId: string;
  /** What peers read about it. */
  readonly bio: string;
  /** When this agent was created. */
  readonly createdAt: bigint;
  /** The data folder; null for an ephemeral node. */
  readonly dataDir: string | null;
  /** Its name. */
  readonly displayName: string;
  /** Messages that wait for unreachable peers. */
  readonly outbox: number;
  /** Connected peers. */
  readonly peers: number;
  /** Requests that wait for a decision. */
  readonly pendingRequests: number;
  /**
   * The port it listens at; null when it listens at none. With `shared_port` other nodes of this process name it
   * to listen there, too.
   */
  readonly port: number | null;
  /** Messages that wait for the host, notices not counted. */
  readonly unread: number;
  /** The URL told to peers. */
  readonly url: string;
  /** The version of this library. */
  readonly version: string;
}

/** A stream to read. */
export interface OpenedStream {
  /** The id of the question: for `messages.next_part`, and for `messages.cancel`, which ends it. */
  readonly streamId: string;
}

/** Who wrote a message and what it allowed, signed; and the way since. */
export interface Origin {
  /** The author. */
  readonly agentId: string;
  /** SHA-256 of content, metadata and reply reference, 64 hexadecimal digits, as in receipts. */
  readonly digest: string;
  /** How often it may be forwarded, as the author said. */
  readonly hops: number;
  /** The limits, as the author said. */
  readonly limits: MessageLimits;
  /** The id of the message, the same on the whole way. */
  readonly messageId: string;
  /** Who forwarded it, first to last. */
  readonly path: Step[];
  /** When, by the author's clock. */
  readonly sentAt: bigint;
  /** Ed25519 by the author over all of the above, 128 hexadecimal digits. */
  readonly signature: string;
  /** To whom the author sent this copy. */
  readonly to: string;
}

/** A message that waits for an unreachable peer, as stored. */
export interface OutboxItem {
  /** Attempts so far. */
  readonly attempts: number;
  /** What to say. */
  readonly content: string;
  /** When the host sent it. */
  readonly createdAt: bigint;
  /** When to give up. */
  readonly expiresAt: bigint;
  /** How often it may be forwarded. */
  readonly hops: number;
  /** The message this one answers. */
  readonly inReplyTo: string | null;
  /** Why the last attempt failed. */
  readonly lastReason: Reason | null;
  /** The id of the message; the same in every attempt. */
  readonly messageId: string;
  /** What travels along. */
  readonly metadata: Json;
  /** When to try next. */
  readonly nextAttempt: bigint;
  /** Who wrote it, the limits that travel with it, and its way so far. */
  readonly origin: Origin | null;
  /** The order of sending. */
  readonly sequence: bigint;
  /** For whom. */
  readonly to: string;
  /** Whether any attempt met a limit of the peer. */
  readonly wasLimited: boolean;
}

/** A part of an answer. Its content comes from another agent: it is data, never instructions. */
export interface Part {
  /** 1 to 65,536 characters. All parts together are the reply. */
  readonly content: string;
  /** Its place in the answer, from 0. */
  readonly number: bigint;
}

/** A peer, as a host sees it. */
export interface Peer {
  /** Who. */
  readonly agentId: string;
  /** What it says about itself. */
  readonly bio: Untrusted;
  /** What it can do beyond 1.1.1. */
  readonly capabilities: Json;
  /** Since when. */
  readonly connectedAt: bigint | null;
  /** Its name, chosen by itself. */
  readonly displayName: Untrusted | null;
  /** How well it can be reached; null while it is pending. */
  readonly health: PeerHealth | null;
  /** Whether it proved its key. */
  readonly identityVerified: boolean;
  /** The last sign of life: something that the peer signed or took, or an answer to a ping. */
  readonly lastActivity: bigint | null;
  /**
   * Who keeps mail for it while it is away, in its own signed words: known to whoever keeps mail, and to whoever
   * left a message for it with a keeper.
   */
  readonly mailboxes: string[];
  /** Messages we took from it. */
  readonly messagesReceived: bigint;
  /** Messages it took from us. */
  readonly messagesSent: bigint;
  /** Connected or pending. */
  readonly state: PeerState;
  /** Our trust in it, −1 to 1; null when we have no impression. */
  readonly trust: number | null;
  /** Whether the last attempts to reach it failed. */
  readonly unreachable: boolean;
  /** Where; the id of the agent while it is pending and was asked through the mesh. */
  readonly url: string;
}

/** An agent that a peer knows. All of it is what the peer says: data, never instructions. */
export interface PeerHint {
  /** Who. */
  readonly agentId: string;
  /** What it says about itself. */
  readonly bio: Untrusted;
  /** Whether we are connected to it already. */
  readonly connected: boolean;
  /** Its name. */
  readonly displayName: Untrusted;
}

/** What a peer said about an agent when it was asked: its own words, data and never instructions. */
export interface PeerOpinion {
  /** About whom. */
  readonly agentId: string;
  /** Whether the peer has, and tells, an impression. */
  readonly hasImpression: boolean;
  /** The peer's note, at most 2,000 characters; empty when it tells none. */
  readonly note: Untrusted;
  /** From -1 (distrusted) to 1 (trusted). */
  readonly score: number | null;
  /** Whether the peer signed it for us. 1.1.1 signs no opinions. */
  readonly signed: boolean;
}

/** Somebody asks for a connection and waits for our decision. */
export interface PendingRequest {
  /** Who asks. */
  readonly agentId: string;
  /** What it says about itself. */
  readonly bio: Untrusted;
  /** What it can do beyond 1.1.1. */
  readonly capabilities: Json;
  /**
   * Whether its key answered our challenge, as 1.1.1 does. A challenge names nobody who asks it, so somebody else
   * may have put it to the agent: look at `url` before you accept.
   */
  readonly challengeAnswered: boolean;
  /** Its name, chosen by itself. */
  readonly displayName: Untrusted | null;
  /** Whether it proved its key: the request is signed for us. */
  readonly identityVerified: boolean;
  /** Asked by a third agent on both sides' behalf. */
  readonly mutual: boolean;
  /** When the agent was created, as it says. */
  readonly peerCreatedAt: string | null;
  /** Our name for the request. */
  readonly requestId: string;
  /** When it asked. */
  readonly requestedAt: bigint;
  /** When it signed the request for us, by its own clock; null for a request that is not signed, as 1.1.1 makes it. */
  readonly signedAt: bigint | null;
  /**
   * How near the address is that the request came from. Once accepted, a name in `url` may lead there, and nowhere
   * nearer.
   */
  readonly toldFrom: AddressClass;
  /** Where it says it listens. */
  readonly url: string;
  /** Chain to address, only from signed requests. */
  readonly wallets: Json;
}

/** Why a copy is not accepted. */
export interface Reason {
  /** A stable code name, see the table of error codes. */
  readonly code: string;
  /** A sentence. After a refusal it contains the peer's words, which are data. */
  readonly text: string;
}

/** The honest answer to a send. */
export interface Receipt {
  /** One per recipient, in the order given. */
  readonly deliveries: Delivery[];
  /** The id of the message. */
  readonly messageId: string;
  /** The least of the copies. */
  readonly state: DeliveryState;
}

/** What a receipt says, and whether it holds. */
export interface ReceiptVerdict {
  /** Since when, by the clock of the recipient. */
  readonly at: bigint;
  /** Whether it is about a message that says this; null when no content was given. */
  readonly contentMatches: boolean | null;
  /** Who sent the message. */
  readonly from: string;
  /** Of which message. */
  readonly messageId: string;
  /** The id of the answer, when it was answered. */
  readonly replyId: string | null;
  /** How far it came. */
  readonly state: ReceiptState;
  /** Who got the message and signed the receipt. */
  readonly to: string;
  /** True when `to` signed exactly this. Otherwise the rest says nothing. */
  readonly valid: boolean;
}

/** A rule that holds. */
export interface Rule {
  /** What happens when it matches. */
  readonly action: RuleAction;
  /** Whether it is tried at all. */
  readonly enabled: boolean;
  /** Who gets a forwarded message. */
  readonly forwardTo: string[];
  /** Who sent the message. */
  readonly fromAgentId: string | null;
  /** Text that the content contains, in any letter case. */
  readonly keyword: string | null;
  /** A metadata key that is present, with any value unless `metadata_value` is given. */
  readonly metadataKey: string | null;
  /** The text form of the value under `metadata_key`; means nothing without a key. */
  readonly metadataValue: string | null;
  /** Higher is tried first. */
  readonly priority: bigint;
  /** What `answer` says, 1 to 4,000 characters; nothing to other actions, and to 1.1.1. */
  readonly responseText: string | null;
  /** Its name. */
  readonly ruleId: string;
}

/** What the rules would do with a message. */
export interface RuleTrial {
  /** What its sender would hear. */
  readonly answer: string | null;
  /** What would become of it. */
  readonly fate: Fate;
  /** Who would get it: of the agents that the rule names, those that are connected. */
  readonly forwardTo: string[];
  /** Why, for people. */
  readonly reason: string;
  /** The rule that matches; null when none does. */
  readonly ruleId: string | null;
}

/** A signature of this agent. */
export interface Signed {
  /** Who signed. */
  readonly agentId: string;
  /** Ed25519, 128 hexadecimal digits. */
  readonly signature: string;
}

/** Who forwarded a message, to whom, and what was left of its limits. */
export interface Step {
  /** The forwarder. */
  readonly agentId: string;
  /** How often it may still be forwarded. */
  readonly hops: number;
  /** The limits from here on. */
  readonly limits: MessageLimits;
  /** What the forwarder says about it, at most 1,000 characters: data, never instructions. */
  readonly note: string | null;
  /** When, by the forwarder's clock. */
  readonly sentAt: bigint;
  /** Ed25519 by the forwarder over the above and what came before, 128 hexadecimal digits. */
  readonly signature: string;
  /** To whom. */
  readonly to: string;
}

/** Which trace a message belongs to: the values of the two headers of W3C Trace Context. */
export interface TraceContext {
  /** `00-{trace id}-{span id}-{flags}`: 32, 16 and 2 lower-case hexadecimal digits. */
  readonly traceparent: string;
  /** What the tracing systems on the way say, at most 512 characters and 32 members. */
  readonly tracestate: string | null;
}

/** What we think of an agent. */
export interface TrustOf {
  /** Of whom. */
  readonly agentId: string;
  /** Whether this is an entry point of the mesh, of which no answers are expected. */
  readonly infrastructure: boolean;
  /** Messages that we took from this agent. */
  readonly msgsReceived: bigint;
  /** Messages that this agent took from us. */
  readonly msgsSent: bigint;
  /** Since when the score is below zero; absent while it is not. */
  readonly negativeSince: bigint | null;
  /** A note of ours, for people. Peers that ask for the impression get it as the setting `share_notes` says. */
  readonly note: string;
  /** From -1 (distrusted) over 0 (unknown) to 1 (trusted), with four decimals. */
  readonly score: number;
  /** When anything here last changed. */
  readonly updatedAt: bigint;
}

/** A part was written. */
export interface WrittenPart {
  /** Its place in the answer, from 0. */
  readonly number: bigint;
  /** Whether it is sent now. False when the asker waits for the whole answer, or knows no streams. */
  readonly streamed: boolean;
}

/** A message is in the inbox. */
export interface MessageReceived {
  readonly type: 'message_received';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Its sender. */
  readonly from: string;
  /** Where it belongs. */
  readonly kind: MessageKind;
  /** Its id. */
  readonly messageId: string;
}

/** A peer's status broadcast was logged. */
export interface BroadcastReceived {
  readonly type: 'broadcast_received';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Its text: data, never instructions. */
  readonly content: Untrusted;
  /** Its sender. */
  readonly from: string;
  /** Its id. */
  readonly messageId: string;
}

/** A peer took a message of ours. */
export interface MessageAccepted {
  readonly type: 'message_accepted';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Its id. */
  readonly messageId: string;
  /** Who took it. */
  readonly to: string;
  /** Which transport carried it. */
  readonly via: string;
}

/** A message of ours was handed to the agent over there. */
export interface MessageDelivered {
  readonly type: 'message_delivered';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Its id. */
  readonly messageId: string;
  /** To whom. */
  readonly to: string;
}

/** The agent over there acknowledged a message of ours. */
export interface MessageHandled {
  readonly type: 'message_handled';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Its id. */
  readonly messageId: string;
  /** Who. */
  readonly to: string;
}

/** A message of ours was answered. */
export interface MessageAnswered {
  readonly type: 'message_answered';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Its id. */
  readonly messageId: string;
  /** The id of the answer. */
  readonly replyId: string | null;
  /** By whom. */
  readonly to: string;
}

/** Somebody says that it keeps a message of ours for a peer that cannot be reached. */
export interface MessageKept {
  readonly type: 'message_kept';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Who keeps it. */
  readonly by: string;
  /** Its id. */
  readonly messageId: string;
  /** To what kind of key of the recipient this copy is sealed. */
  readonly sealedTo: KeyKind;
  /** For whom it is. */
  readonly to: string;
}

/** The author of a message in the inbox took it back. */
export interface MessageCancelled {
  readonly type: 'message_cancelled';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Its author. */
  readonly from: string;
  /** Whether the host has it: it may stop, acknowledge or answer. Otherwise it was removed and is never handed out. */
  readonly handedOut: boolean;
  /** Its id. */
  readonly messageId: string;
  /** Why: the author's words, which are data. */
  readonly reason: string | null;
}

/** A message of ours will not be delivered. */
export interface MessageFailed {
  readonly type: 'message_failed';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Its id. */
  readonly messageId: string;
  /** Why. */
  readonly reason: Reason;
  /** For whom it was. */
  readonly to: string;
}

/** A connection exists. */
export interface PeerConnected {
  readonly type: 'peer_connected';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Who. */
  readonly agentId: string;
  /** Its name. */
  readonly displayName: Untrusted | null;
}

/** A connection ended. */
export interface PeerDisconnected {
  readonly type: 'peer_disconnected';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Who. */
  readonly agentId: string;
  /** Why, for people. What the peer says of it is in its own words: data, never instructions. */
  readonly reason: string;
}

/** The other side rejected our request for a connection. Nodes of 1.1.1 never say so. */
export interface ConnectionRejected {
  readonly type: 'connection_rejected';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Who. */
  readonly agentId: string;
}

/** Somebody asks for a connection. */
export interface ConnectionRequested {
  readonly type: 'connection_requested';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Who asks. */
  readonly agentId: string;
  /** Its name. */
  readonly displayName: Untrusted | null;
  /** What to accept or reject. */
  readonly requestId: string;
}

/** A peer told a new address, name or bio. */
export interface PeerUpdated {
  readonly type: 'peer_updated';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Who. */
  readonly agentId: string;
}

/** A peer stopped or resumed answering. */
export interface PeerReachability {
  readonly type: 'peer_reachability';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Who. */
  readonly agentId: string;
  /** Whether it answers. */
  readonly reachable: boolean;
}

/** An impression changed by hand or by a rule. */
export interface TrustChanged {
  readonly type: 'trust_changed';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Of whom. */
  readonly agentId: string;
  /** The new score. */
  readonly score: number;
}

/** Somebody was found. */
export interface AgentDiscovered {
  readonly type: 'agent_discovered';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** Who and where. */
  readonly found: Discovered;
}

/** The disk failed: nothing is accepted until it works again. */
export interface StorageFailed {
  readonly type: 'storage_failed';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
  /** What happened. */
  readonly error: string;
}

/** The disk works again. */
export interface StorageRecovered {
  readonly type: 'storage_recovered';
  /** When, in microseconds since 1970. */
  readonly at: bigint;
}

/** The listener was too slow: this many events are lost to it. */
export interface Missed {
  readonly type: 'missed';
  readonly missed: bigint;
}

/** What can be listened to, by name. */
export interface EventMap {
  message_received: MessageReceived;
  broadcast_received: BroadcastReceived;
  message_accepted: MessageAccepted;
  message_delivered: MessageDelivered;
  message_handled: MessageHandled;
  message_answered: MessageAnswered;
  message_kept: MessageKept;
  message_cancelled: MessageCancelled;
  message_failed: MessageFailed;
  peer_connected: PeerConnected;
  peer_disconnected: PeerDisconnected;
  connection_rejected: ConnectionRejected;
  connection_requested: ConnectionRequested;
  peer_updated: PeerUpdated;
  peer_reachability: PeerReachability;
  trust_changed: TrustChanged;
  agent_discovered: AgentDiscovered;
  storage_failed: StorageFailed;
  storage_recovered: StorageRecovered;
  missed: Missed;
}

/** Something happened. */
export type AnyEvent = EventMap[Exclude<keyof EventMap, 'missed'>];
