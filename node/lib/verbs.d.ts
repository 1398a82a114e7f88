// The verbs as methods.
//
// Made by `cargo xtask gen` from the schema; do not edit.

import type { AgentLike, Message } from './index.js';
import type {
  BlockedAgent,
  Cancellation,
  ContextText,
  DeliveryState,
  Discovered,
  GivenReceipt,
  Json,
  LogEntry,
  MessageKind,
  NodeInfo,
  OpenedStream,
  OutboxItem,
  Part,
  Peer,
  PeerHint,
  PeerOpinion,
  PendingRequest,
  Receipt,
  ReceiptVerdict,
  Rule,
  RuleTrial,
  Signed,
  TrustOf,
  WrittenPart,
} from './records.js';
import type { RoutingRule } from './settings.js';

/** What a node tells and changes about itself. */
export interface NodeVerbs {
  /** Tells about this node. */
  info(options?: { signal?: AbortSignal }): Promise<NodeInfo>;
  /**
   * Changes name, bio or activity of this node.
   * @param options.active False answers messages and requests with 503 until it is true again; not kept over a
   *   restart.
   * @param options.bio At most 1,000 characters.
   * @param options.displayName 1 to 100 characters.
   */
  update(
    options?: {
      signal?: AbortSignal;
      active?: boolean | null;
      bio?: string | null;
      displayName?: string | null;
    },
  ): Promise<NodeInfo>;
  /** Verbs about peers. */
  readonly peers: Peers;
  /** Verbs about messages. */
  readonly messages: Messages;
  /** Verbs about trust. */
  readonly trust: Trust;
  /** Verbs about routing rules. */
  readonly rules: Rules;
  /** Verbs about discovery. */
  readonly discovery: Discovery;
  /** Verbs about the passport: signatures of this agent, and the check of anybody's. */
  readonly passport: Passport;
}

/** Verbs about peers. */
export interface Peers {
  /**
   * Asks the node at a URL for a connection.
   * @param url Where: a base URL (`http://host:port`), also with `/mcp`, `/__darkmatter__` or the agent's scope
   *   behind it. Or an agent id, as `peers.of` gives it: then the request goes through the peers of this node,
   *   and theirs.
   * @param options.expect Fail unless this agent answers there.
   */
  connect(url: string, options?: { signal?: AbortSignal; expect?: AgentLike }): Promise<Peer>;
  /** Lists connected peers, and those whose decision is pending. */
  list(options?: { signal?: AbortSignal }): Promise<Peer[]>;
  /**
   * Tells about one peer.
   * @param agent Who.
   */
  get(agent: AgentLike, options?: { signal?: AbortSignal }): Promise<Peer>;
  /** Lists requests that wait for a decision. */
  pending(options?: { signal?: AbortSignal }): Promise<PendingRequest[]>;
  /**
   * Accepts a pending request.
   * @param requestId Its id, from `peers.pending` or the event.
   */
  accept(requestId: string, options?: { signal?: AbortSignal }): Promise<Peer>;
  /**
   * Rejects a pending request.
   * @param requestId Its id, from `peers.pending` or the event.
   */
  reject(requestId: string, options?: { signal?: AbortSignal }): Promise<PendingRequest>;
  /**
   * Ends a connection.
   * @param agent Who.
   * @param options.reason Why, for the peer and the log: 1 to 200 characters.
   */
  disconnect(agent: AgentLike, options?: { signal?: AbortSignal; reason?: string | null }): Promise<void>;
  /**
   * Asks a peer whom it knows.
   * @param agent A connected peer.
   * @param options.n How many, 1 to 50. Default: 10.
   */
  of(agent: AgentLike, options?: { signal?: AbortSignal; n?: number }): Promise<PeerHint[]>;
  /**
   * Has nothing to do with an agent from now on.
   * @param agent Who; it need not be connected.
   * @param options.reason Why, for people here: 1 to 200 characters. Nobody else is told.
   */
  block(agent: AgentLike, options?: { signal?: AbortSignal; reason?: string | null }): Promise<BlockedAgent>;
  /**
   * Ends the block of an agent.
   * @param agent Who.
   */
  unblock(agent: AgentLike, options?: { signal?: AbortSignal }): Promise<void>;
  /** Lists blocked agents. */
  blocked(options?: { signal?: AbortSignal }): Promise<BlockedAgent[]>;
}

/** Verbs about messages. */
export interface Messages {
  /**
   * Sends a message to one or several peers.
   * @param to To whom: connected or pending peers.
   * @param content 1 to 65,536 characters.
   * @param options.expiresInSecs How long it waits for an unreachable peer, in seconds, at most 86,400. Default:
   *   the setting `outbox_expiry_secs`.
   * @param options.hops How often it may be forwarded, 0 to 50. Default: 10.
   * @param options.inReplyTo The message this one answers.
   * @param options.metadata What travels along: a JSON object of at most 64 KiB. Its `type` may mean something
   *   to the other node: a `broadcast` is logged there and not handed out.
   * @param options.timeoutSecs How long this call waits for the first attempts, in seconds. Default: 10.
   *   Whatever has not answered by then is `stored`.
   */
  send(
    to: AgentLike | readonly AgentLike[],
    content: string,
    options?: {
      signal?: AbortSignal;
      expiresInSecs?: number | null;
      hops?: number;
      inReplyTo?: string | null;
      metadata?: Json;
      timeoutSecs?: number;
    },
  ): Promise<Receipt>;
  /**
   * Sends a message to one peer and waits for the answer to it.
   * @param to Whom to ask: a connected or pending peer.
   * @param content 1 to 65,536 characters.
   * @param options.inReplyTo The message this one answers.
   * @param options.metadata What travels along: a JSON object of at most 64 KiB.
   * @param options.timeoutSecs How long to wait for the answer, in seconds; absent for as long as it takes.
   */
  ask(
    to: AgentLike,
    content: string,
    options?: {
      signal?: AbortSignal;
      inReplyTo?: string | null;
      metadata?: Json;
      timeoutSecs?: number | null;
    },
  ): Promise<Message>;
  /**
   * Sends a question whose answer may come in parts.
   * @param to Whom to ask: a connected or pending peer.
   * @param content 1 to 65,536 characters.
   * @param options.inReplyTo The message this one answers.
   * @param options.metadata What travels along: a JSON object of at most 64 KiB.
   * @param options.timeoutSecs How long to wait for the answer, in seconds; absent for as long as it takes.
   */
  ask_stream(
    to: AgentLike,
    content: string,
    options?: {
      signal?: AbortSignal;
      inReplyTo?: string | null;
      metadata?: Json;
      timeoutSecs?: number | null;
    },
  ): Promise<OpenedStream>;
  /**
   * Waits for the next part of an answer.
   * @param streamId The stream, as `messages.ask_stream` named it.
   * @param options.number The number of the part; those before it are let go. Default: the one after the last
   *   that was handed out. Whoever may lose a result on the way names it.
   */
  next_part(
    streamId: string,
    options?: {
      signal?: AbortSignal;
      number?: bigint | number | null;
    },
  ): Promise<Part | null>;
  /**
   * Writes a part of the answer to a question that is in hands.
   * @param to Who asked.
   * @param inReplyTo The question, which this program has in its hands.
   * @param content At least 1 character; an answer has at most 65,536 in all, and 16,384 parts.
   */
  part(
    to: AgentLike,
    inReplyTo: string,
    content: string,
    options?: {
      signal?: AbortSignal;
    },
  ): Promise<WrittenPart>;
  /**
   * Sends what was written as the reply.
   * @param to Who asked.
   * @param inReplyTo The question.
   * @param options.content The last part, when there is one more.
   * @param options.metadata What travels along: a JSON object of at most 64 KiB.
   * @param options.timeoutSecs How long this call waits for the first attempt, in seconds. Default: 10.
   */
  finish(
    to: AgentLike,
    inReplyTo: string,
    options?: {
      signal?: AbortSignal;
      content?: string;
      metadata?: Json;
      timeoutSecs?: number;
    },
  ): Promise<Receipt>;
  /**
   * Tells all peers, or the most trusted, a status.
   * @param content 1 to 65,536 characters.
   * @param options.metadata What travels along.
   * @param options.top Only to this many most trusted peers. Default: to all.
   */
  broadcast(
    content: string,
    options?: {
      signal?: AbortSignal;
      metadata?: Json;
      top?: number | null;
    },
  ): Promise<Receipt>;
  /**
   * Waits for the next message.
   * @param options.from Only from these agents; empty for all.
   * @param options.inReplyTo Only answers to this message.
   * @param options.kinds Only these kinds; empty for all.
   * @param options.timeoutSecs How long to wait, in seconds; absent for as long as it takes, 0 for not at all.
   */
  next(
    options?: {
      signal?: AbortSignal;
      from?: AgentLike | readonly AgentLike[];
      inReplyTo?: string | null;
      kinds?: MessageKind | readonly MessageKind[];
      timeoutSecs?: number | null;
    },
  ): Promise<Message | null>;
  /**
   * Removes a handled message for good, and tells whether the disk knows it or, while it is full, memory alone.
   * @param sequence Its `sequence`.
   */
  acknowledge(sequence: bigint | number | Message, options?: { signal?: AbortSignal }): Promise<boolean>;
  /**
   * Gives a message back unhandled.
   * @param sequence Its `sequence`.
   * @param options.delaySecs When it may be handed out again, in seconds from now. Default: 0.
   */
  release(
    sequence: bigint | number | Message,
    options?: {
      signal?: AbortSignal;
      delaySecs?: number;
    },
  ): Promise<boolean>;
  /** Lists the inbox without taking anything. */
  list(options?: { signal?: AbortSignal }): Promise<Message[]>;
  /** Lists what waits for unreachable peers. */
  outbox(options?: { signal?: AbortSignal }): Promise<OutboxItem[]>;
  /**
   * Tells what became of a message that was sent.
   * @param messageId Its id, as its receipt names it.
   */
  status(messageId: string, options?: { signal?: AbortSignal }): Promise<Receipt>;
  /**
   * Waits until a message came as far as a state.
   * @param messageId Its id, as its receipt names it.
   * @param state `accepted`, `delivered`, `handled` or `answered`.
   * @param options.timeoutSecs How long to wait, in seconds; absent for as long as it takes, 0 for not at all.
   */
  until(
    messageId: string,
    state: DeliveryState,
    options?: {
      signal?: AbortSignal;
      timeoutSecs?: number | null;
    },
  ): Promise<Receipt>;
  /**
   * Takes a message back that was sent.
   * @param messageId Its id, as its receipt names it.
   * @param options.reason Why, for the other side: at most 500 characters.
   */
  cancel(
    messageId: string,
    options?: {
      signal?: AbortSignal;
      reason?: string | null;
    },
  ): Promise<Cancellation>;
  /**
   * Lists what became of the newest messages that were sent.
   * @param options.limit At most this many, the newest; 1 to 10,000. Default: 50.
   */
  sent(options?: { signal?: AbortSignal; limit?: number }): Promise<Receipt[]>;
  /**
   * Lists the newest receipts that this node gave.
   * @param options.limit At most this many, the newest; 1 to 10,000. Default: 50.
   */
  receipts(options?: { signal?: AbortSignal; limit?: number }): Promise<GivenReceipt[]>;
  /**
   * Checks a receipt of any node.
   * @param receipt The text that stands in `proof`, or in what `messages.receipts` lists.
   * @param options.content What the message is said to say, to check that, too.
   * @param options.inReplyTo The message it answered; counts with `content`.
   * @param options.metadata What travelled along; counts with `content`.
   */
  verify(
    receipt: string,
    options?: {
      signal?: AbortSignal;
      content?: string | null;
      inReplyTo?: string | null;
      metadata?: Json;
    },
  ): Promise<ReceiptVerdict>;
  /**
   * Lists the newest entries of the conversation log.
   * @param options.limit At most this many, the newest. Default: 50.
   */
  log(options?: { signal?: AbortSignal; limit?: number }): Promise<LogEntry[]>;
  /**
   * Tells a session what is new in the conversation.
   * @param session A name for the reader: it is told only what is new since it last asked.
   */
  context(session: string, options?: { signal?: AbortSignal }): Promise<ContextText>;
}

/** Verbs about trust. */
export interface Trust {
  /**
   * Tells what we think of an agent.
   * @param agent Who.
   */
  get(agent: AgentLike, options?: { signal?: AbortSignal }): Promise<TrustOf | null>;
  /**
   * Sets what we think of an agent.
   * @param agent Of whom; it need not be connected.
   * @param score −1 (distrust) to 1 (trust).
   * @param options.note Why, at most 2,000 characters. Absent keeps the note.
   */
  set(
    agent: AgentLike,
    score: number,
    options?: {
      signal?: AbortSignal;
      note?: string | null;
    },
  ): Promise<TrustOf>;
  /** Lists every impression. */
  list(options?: { signal?: AbortSignal }): Promise<TrustOf[]>;
  /**
   * Forgets what we think of an agent.
   * @param agent Who.
   */
  forget(agent: AgentLike, options?: { signal?: AbortSignal }): Promise<void>;
  /**
   * Asks a peer what it thinks of an agent.
   * @param peer A connected peer.
   * @param about The agent that it is asked about.
   */
  ask(peer: AgentLike, about: AgentLike, options?: { signal?: AbortSignal }): Promise<PeerOpinion>;
}

/** Verbs about routing rules. */
export interface Rules {
  /** Lists the routing rules. */
  list(options?: { signal?: AbortSignal }): Promise<Rule[]>;
  /**
   * Replaces all routing rules.
   * @param rules At most 256 rules; none removes all.
   */
  set(rules: RoutingRule[], options?: { signal?: AbortSignal }): Promise<Rule[]>;
  /**
   * Tells what the rules would do with a message, without doing it.
   * @param content The text, at most 65,536 characters.
   * @param from Who would send it.
   * @param options.metadata Its metadata; `inReplyTo` in it makes it an answer.
   */
  test(
    content: string,
    from: AgentLike,
    options?: {
      signal?: AbortSignal;
      metadata?: Json;
    },
  ): Promise<RuleTrial>;
}

/** Verbs about discovery. */
export interface Discovery {
  /** Looks around for other agents now. */
  scan(options?: { signal?: AbortSignal }): Promise<Discovered[]>;
  /** Lists agents seen lately. */
  list(options?: { signal?: AbortSignal }): Promise<Discovered[]>;
}

/** Verbs about the passport: signatures of this agent, and the check of anybody's. */
export interface Passport {
  /**
   * Signs a text as this agent.
   * @param data The text; at most 1 MiB. Encode bytes as base64 or hexadecimal first.
   * @param options.context What the signature is for, at most 200 characters: a signature for one purpose is
   *   none for another.
   */
  sign(data: string, options?: { signal?: AbortSignal; context?: string }): Promise<Signed>;
  /**
   * Checks a signature of any agent.
   * @param agent Who is said to have signed.
   * @param data The text.
   * @param signature Ed25519, 128 hexadecimal digits.
   * @param options.context What the signature is for.
   */
  verify(
    agent: AgentLike,
    data: string,
    signature: string,
    options?: {
      signal?: AbortSignal;
      context?: string;
    },
  ): Promise<boolean>;
}
