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
  Group,
  GroupMode,
  GroupReceipt,
  Json,
  LogEntry,
  MailboxStatus,
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
  /** Verbs about groups. */
  readonly groups: Groups;
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
   * @param options.budget What it may cost, an amount and a unit such as `12.5 usd`. Whoever passes it on may
   *   only lower that; who spends it is the affair of hosts.
   * @param options.causedBy The `sequence` of a message of the inbox because of which this one is sent, an
   *   answer for example: it gets one hop less than that, what is left of its deadline and budget, and a new
   *   span of its trace. The members above may only tighten that.
   * @param options.deadline When the message is over, wherever it is then: nobody sends, takes, hands out or
   *   forwards it any more. In microseconds since 1970.
   * @param options.expiresInSecs How long it waits for an unreachable peer, in seconds, at most 86,400. Default:
   *   the setting `outbox_expiry_secs`.
   * @param options.hops How often it may be forwarded, 0 to 50. Default: 10.
   * @param options.idempotencyKey A name of the host for this call, 1 to 128 characters. The same call with the
   *   same name sends nothing again, also after a crash, and gives the receipt of the first one. It is kept for
   *   25 hours after the message expires.
   * @param options.inReplyTo The message this one answers.
   * @param options.metadata What travels along: a JSON object of at most 64 KiB. Its `type` may mean something
   *   to the other node: a `broadcast` is logged there and not handed out.
   * @param options.spend What was spent of the budget of that message already: a decimal as text.
   * @param options.timeoutSecs How long this call waits for the first attempts, in seconds. Default: 10.
   *   Whatever has not answered by then is `stored`.
   * @param options.traceparent Which trace it belongs to, as the header of that name in W3C Trace Context.
   * @param options.tracestate What the tracing systems say about that, as the header of that name.
   */
  send(
    to: AgentLike | readonly AgentLike[],
    content: string,
    options?: {
      signal?: AbortSignal;
      budget?: string | null;
      causedBy?: bigint | number | Message | null;
      deadline?: bigint | number | null;
      expiresInSecs?: number | null;
      hops?: number;
      idempotencyKey?: string | null;
      inReplyTo?: string | null;
      metadata?: Json;
      spend?: string | null;
      timeoutSecs?: number;
      traceparent?: string | null;
      tracestate?: string | null;
    },
  ): Promise<Receipt>;
  /**
   * Sends a message to one peer and waits for the answer to it.
   * @param to Whom to ask: a connected or pending peer.
   * @param content 1 to 65,536 characters.
   * @param options.budget What it may cost, an amount and a unit such as `12.5 usd`. Whoever passes it on may
   *   only lower that; who spends it is the affair of hosts.
   * @param options.causedBy The `sequence` of a message of the inbox because of which this one is asked, as in
   *   `messages.send`.
   * @param options.deadline When the message is over, wherever it is then: nobody sends, takes, hands out or
   *   forwards it any more. In microseconds since 1970.
   * @param options.idempotencyKey A name of the host for this question, as in `messages.send`: asked again, it
   *   waits for the answer to the first one.
   * @param options.inReplyTo The message this one answers.
   * @param options.metadata What travels along: a JSON object of at most 64 KiB.
   * @param options.spend What was spent of the budget of that message already: a decimal as text.
   * @param options.timeoutSecs How long to wait for the answer, in seconds; absent for as long as it takes.
   * @param options.traceparent Which trace it belongs to, as the header of that name in W3C Trace Context.
   * @param options.tracestate What the tracing systems say about that, as the header of that name.
   */
  ask(
    to: AgentLike,
    content: string,
    options?: {
      signal?: AbortSignal;
      budget?: string | null;
      causedBy?: bigint | number | Message | null;
      deadline?: bigint | number | null;
      idempotencyKey?: string | null;
      inReplyTo?: string | null;
      metadata?: Json;
      spend?: string | null;
      timeoutSecs?: number | null;
      traceparent?: string | null;
      tracestate?: string | null;
    },
  ): Promise<Message>;
  /**
   * Passes a message of the inbox on, with its author and under its limits.
   * @param to To whom: connected or pending peers that do not have it, at most 8 for one message.
   * @param options.budget A lower budget, an amount and the unit that it has, such as `2.5 usd`.
   * @param options.deadline An earlier deadline, in microseconds since 1970.
   * @param options.force Also to those who have it, as far as is known here, but never to its author. Default:
   *   false.
   * @param options.keep Whether it stays in the inbox. Else it is over as soon as one of them has it. Default:
   *   false.
   * @param options.messageId The id of the message, instead of its `sequence`.
   * @param options.note Something to say about it, at most 1,000 characters.
   * @param options.sequence The `sequence` of the message; or say its `message_id`.
   * @param options.timeoutSecs How long this call waits for the first attempts, in seconds. Default: 10.
   */
  forward(
    to: AgentLike | readonly AgentLike[],
    options?: {
      signal?: AbortSignal;
      budget?: string | null;
      deadline?: bigint | number | null;
      force?: boolean;
      keep?: boolean;
      messageId?: string | null;
      note?: string | null;
      sequence?: bigint | number | Message | null;
      timeoutSecs?: number;
    },
  ): Promise<Receipt>;
  /**
   * Sends a question whose answer may come in parts.
   * @param to Whom to ask: a connected or pending peer.
   * @param content 1 to 65,536 characters.
   * @param options.budget What it may cost, an amount and a unit such as `12.5 usd`. Whoever passes it on may
   *   only lower that; who spends it is the affair of hosts.
   * @param options.causedBy The `sequence` of a message of the inbox because of which this one is asked, as in
   *   `messages.send`.
   * @param options.deadline When the message is over, wherever it is then: nobody sends, takes, hands out or
   *   forwards it any more. In microseconds since 1970.
   * @param options.idempotencyKey A name of the host for this question, as in `messages.send`: asked again, it
   *   waits for the answer to the first one.
   * @param options.inReplyTo The message this one answers.
   * @param options.metadata What travels along: a JSON object of at most 64 KiB.
   * @param options.spend What was spent of the budget of that message already: a decimal as text.
   * @param options.timeoutSecs How long to wait for the answer, in seconds; absent for as long as it takes.
   * @param options.traceparent Which trace it belongs to, as the header of that name in W3C Trace Context.
   * @param options.tracestate What the tracing systems say about that, as the header of that name.
   */
  askStream(
    to: AgentLike,
    content: string,
    options?: {
      signal?: AbortSignal;
      budget?: string | null;
      causedBy?: bigint | number | Message | null;
      deadline?: bigint | number | null;
      idempotencyKey?: string | null;
      inReplyTo?: string | null;
      metadata?: Json;
      spend?: string | null;
      timeoutSecs?: number | null;
      traceparent?: string | null;
      tracestate?: string | null;
    },
  ): Promise<OpenedStream>;
  /**
   * Waits for the next part of an answer.
   * @param streamId The stream, as `messages.ask_stream` named it.
   * @param options.number The number of the part; those before it are let go. Default: the one after the last
   *   that was handed out. Whoever may lose a result on the way names it.
   */
  nextPart(
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
  /** Tells how much mail this node keeps for others. */
  mailbox(options?: { signal?: AbortSignal }): Promise<MailboxStatus>;
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

/** Verbs about groups. */
export interface Groups {
  /**
   * Makes a group, or replaces its members.
   * @param name Its name, 1 to 128 characters. A group of that name is replaced.
   * @param members 1 to 256 agents. They need not be peers yet.
   */
  set(
    name: string,
    members: AgentLike | readonly AgentLike[],
    options?: {
      signal?: AbortSignal;
    },
  ): Promise<Group>;
  /** Lists the groups. */
  list(options?: { signal?: AbortSignal }): Promise<Group[]>;
  /**
   * Forgets a group.
   * @param name Its name.
   */
  remove(name: string, options?: { signal?: AbortSignal }): Promise<void>;
  /**
   * Tells who would get a message for a group, or for whoever matches.
   * @param options.group The name of a group.
   * @param options.match What they must be, as in `groups.send`.
   * @param options.to A list of agents.
   */
  find(
    options?: {
      signal?: AbortSignal;
      group?: string | null;
      match?: Json;
      to?: AgentLike | readonly AgentLike[];
    },
  ): Promise<string[]>;
  /**
   * Sends a message to all members of a group, or to exactly one.
   * @param content 1 to 65,536 characters.
   * @param options.expiresInSecs How long it waits for an unreachable peer, in seconds, at most 86,400. Default:
   *   the setting `outbox_expiry_secs`.
   * @param options.group The name of a group.
   * @param options.hops How often it may be forwarded, 0 to 50. Default: 10.
   * @param options.inReplyTo The message this one answers.
   * @param options.match What they must be: alone, all peers that match; beside a group or a list, those of it
   *   that match. Its members, all of which must hold: `capabilities`, an object of what a peer offers (null
   *   takes any value, another one must be equal or, when the peer offers a list, in it); `text` in its name or
   *   bio, in any letter case; `min_score`, what we think of it at least, -1 to 1, where unknown agents have 0;
   *   `reachable`, true for those that answered when we last tried.
   * @param options.metadata What travels along: a JSON object of at most 64 KiB.
   * @param options.mode `all` or `any`. Default: `all`.
   * @param options.timeoutSecs How long this call waits for each first attempt, in seconds. Default: 10.
   * @param options.to A list of agents.
   */
  send(
    content: string,
    options?: {
      signal?: AbortSignal;
      expiresInSecs?: number | null;
      group?: string | null;
      hops?: number;
      inReplyTo?: string | null;
      match?: Json;
      metadata?: Json;
      mode?: GroupMode;
      timeoutSecs?: number;
      to?: AgentLike | readonly AgentLike[];
    },
  ): Promise<GroupReceipt>;
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
