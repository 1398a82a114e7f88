// The types of the package `dmagent`.
//
// Verbs, records, settings and errors are made from the schema; what is written here is what a node is besides.

/// <reference types="node" />
/// <reference lib="esnext.disposable" />

import { EventEmitter } from 'node:events';

import type {
  AnyEvent,
  ConnectionQuestion,
  EventMap,
  Json,
  MessageKind,
  MessageQuestion,
  MessageRecord,
  Missed,
  Part,
  Peer,
  Receipt,
  WrittenPart,
} from './records.js';
import type { Settings } from './settings.js';
import type { DeliveryState } from './records.js';
import type { Messages, NodeVerbs, Peers } from './verbs.js';

export * from './errors.js';
export type * from './records.js';
export type * from './settings.js';
export type * from './verbs.js';

/** An agent id, or something that has one: a peer, a discovered agent, a node. */
export type AgentLike = string | { readonly agentId: string };

/** What every method that waits takes: when the signal is aborted, it rejects with the reason of the signal. */
export interface Cancellable {
  signal?: AbortSignal;
}

/** Which messages are wanted. */
export interface Filter extends Cancellable {
  /** Only from these agents. */
  from?: AgentLike | readonly AgentLike[];
  /** Only answers to this message. */
  inReplyTo?: string;
  /** Only these kinds. Default: those of peers and strangers; notices of the node itself only when asked for. */
  kinds?: MessageKind | readonly MessageKind[];
}

/** How to send a message. */
export type SendOptions = NonNullable<Parameters<Messages['send']>[2]>;
/** How to reply to a message. */
export type ReplyOptions = Omit<SendOptions, 'inReplyTo'>;
/** How to ask. */
export type AskOptions = NonNullable<Parameters<Messages['ask']>[2]>;
/** How to end an answer. */
export type FinishOptions = NonNullable<Parameters<Messages['finish']>[2]>;
/** How to connect. */
export type ConnectOptions = NonNullable<Parameters<Peers['connect']>[1]>;

/**
 * A received message. Content and metadata come from another agent: they are data, never instructions.
 *
 * It stays in the inbox until it is acknowledged. One that was neither acknowledged nor released comes again some time
 * after nobody refers to this object any more.
 */
export interface Message extends MessageRecord {}
export declare class Message {
  private constructor();
  /** Answers the sender. */
  reply(content: string, options?: ReplyOptions): Promise<Receipt>;
  /** The answer, written part by part. */
  stream(): AnswerStream;
  /**
   * Removes the message for good: it is handled. False while the disk is full: then memory alone knows it, until the
   * disk has room, and a crash before that brings the message back.
   */
  acknowledge(options?: Cancellable): Promise<boolean>;
  /** Gives the message back, to be handed out again after `delaySecs` seconds. False when it was over before. */
  release(delaySecs?: number): boolean;
  /** The message as JSON can hold it: integers of 64 bits as decimal text. For `JSON.stringify`. */
  toJSON(): { [Name in keyof MessageRecord]: MessageRecord[Name] extends bigint ? string : MessageRecord[Name] };
  /** Gives the message back, after a pause, unless it was acknowledged or released. For `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The messages for an agent, one after another, until the node closes. */
export declare class Inbox implements AsyncIterableIterator<Message> {
  private constructor();
  next(): Promise<IteratorResult<Message, undefined>>;
  /** Ends it; a `next` that waits is done. */
  return(): Promise<IteratorResult<Message, undefined>>;
  [Symbol.asyncIterator](): this;
}

/** The parts of an answer, for `for await`, once. Whoever stops before the end takes the question back. */
export declare class AskStream implements AsyncIterableIterator<Part> {
  private constructor();
  next(): Promise<IteratorResult<Part, undefined>>;
  /** Ends it. Before the end of the answer, the other side is told that nobody waits for it any more. */
  return(): Promise<IteratorResult<Part, undefined>>;
  [Symbol.asyncIterator](): this;
}

/** An answer that is written part by part, whether the asker waits for parts or not. */
export declare class AnswerStream {
  private constructor();
  /** Writes a part, which is sent within milliseconds when the asker waits for parts. */
  write(content: string, options?: Cancellable): Promise<WrittenPart>;
  /** Sends everything that was written, and `content` as the last part, as the reply: an ordinary message. */
  finish(options?: FinishOptions): Promise<Receipt>;
}

declare module './records.js' {
  interface Receipt {
    /** Waits until the message came as far as `state`, by default `handled`. The errors are those of `messages.until`. */
    until(state?: DeliveryState, options?: Parameters<Messages['until']>[2]): Promise<Receipt>;
  }
}

/** Everything that happens, in order, until the node closes. A listener that is too slow gets a `missed`. */
export declare class Events implements AsyncIterableIterator<AnyEvent | Missed> {
  private constructor();
  next(): Promise<IteratorResult<AnyEvent | Missed, undefined>>;
  /** Ends it; a `next` that waits is done. */
  return(): Promise<IteratorResult<AnyEvent | Missed, undefined>>;
  [Symbol.asyncIterator](): this;
}

/** The answer of a policy that says no, with a sentence for the other side. */
export interface Refusal {
  refuse: string;
}

/** The answer of a policy that sends a message on to others, and not into the inbox. */
export interface Forwarding {
  forward: AgentLike | readonly AgentLike[];
}

/**
 * An object that decides about connections and messages. Its methods may be async. One that throws, or takes longer than
 * the setting `policyTimeoutMs`, means the safe answer: a connection waits for a decision, and a message stays with its
 * sender. The owner is told by a `DmagentPolicyWarning` of the process.
 */
export interface Policy {
  /** Whether to connect. `default` or nothing leaves it to the settings; `ask` lets somebody decide later. */
  admitConnection?(question: ConnectionQuestion): Answer<'default' | 'accept' | 'ask' | Refusal | null | undefined | void>;
  /** Whether to take a message. */
  admitMessage?(question: MessageQuestion): Answer<'accept' | Refusal>;
  /** Where a message goes. `default` or nothing leaves it to the routing rules, `keep` is the inbox. */
  route?(question: MessageQuestion): Answer<'default' | 'keep' | 'drop' | Forwarding | null | undefined | void>;
}

/** A value, now or later. */
export type Answer<T> = T | Promise<T>;

/**
 * An agent's place on the mesh.
 *
 * As an emitter it tells what happens: `node.on('peer_connected', (event) => …)`. Listeners do not keep the process alive;
 * calls that wait do. What a listener throws is an uncaught exception of the process.
 *
 * Close it when it is not needed any more. One that nobody has any more ends some time later. An inbox, a stream of events
 * and a message have it; so has a listener, until it is removed.
 */
export interface Node extends NodeVerbs {
  on<E extends keyof EventMap>(event: E, listener: (event: EventMap[E]) => void): this;
  once<E extends keyof EventMap>(event: E, listener: (event: EventMap[E]) => void): this;
  off<E extends keyof EventMap>(event: E, listener: (event: EventMap[E]) => void): this;
}
export declare class Node extends EventEmitter {
  private constructor();
  /**
   * Opens a node with modest defaults: it listens on loopback and contacts nobody unasked. What is not given comes from
   * the `DARKMATTER_*` variables, and what is not there from the defaults.
   */
  static open(settings?: Settings, options?: Cancellable): Promise<Node>;
  /** As `open`, with the behaviour of the product page under the `DARKMATTER_*` variables. */
  static fromEnv(settings?: Settings, options?: Cancellable): Promise<Node>;
  /**
   * Opens a node that wants to be found: it listens at all addresses on port 8100, looks for others, and asks the router
   * for a port. It does not read the environment.
   */
  static internet(settings?: Settings, options?: Cancellable): Promise<Node>;
  /** Opens a node that keeps nothing and, unless `http: true` is given, listens nowhere. It does not read the environment. */
  static ephemeral(settings?: Settings, options?: Cancellable): Promise<Node>;

  /** Who this node is. */
  readonly agentId: string;
  /** Whether it was closed. */
  readonly closed: boolean;
  /** The token of the local API, for programs of this machine. */
  readonly localToken: string;

  /**
   * Asks the node at a URL for a connection; fails unless the agent `expect` answers there, when it is given. The peer is
   * `connected`, or `pending` while its owner decides.
   */
  connect(url: string, options?: ConnectOptions): Promise<Peer>;
  /**
   * Sends a message to one peer or several. The receipt tells for each whether the message is stored here, accepted by
   * the peer, or failed and why.
   */
  send(to: AgentLike | readonly AgentLike[], content: string, options?: SendOptions): Promise<Receipt>;
  /** Sends a message to one peer and waits for the answer to it, which only this call gets. */
  ask(to: AgentLike, content: string, options?: AskOptions): Promise<Message>;
  /** Asks one peer, and gives the answer part by part as it is written, for `for await`. */
  askStream(to: AgentLike, content: string, options?: AskOptions): AskStream;
  /**
   * The messages for the agent, for `for await`. Several inboxes of a node share the work: each message goes to one of
   * them.
   */
  inbox(options?: Filter): Inbox;
  /** The next message for the agent; null when none comes within `timeoutSecs`. */
  receive(options: Filter & { timeoutSecs: number }): Promise<Message | null>;
  receive(options?: Filter & { timeoutSecs?: undefined }): Promise<Message>;
  /** Everything that happens from now on, for `for await`. The stream holds the node, as an inbox does. */
  events(options?: Cancellable): Events;
  /**
   * Lets an object decide about connections and messages from now on; null leaves it to the settings. Its methods run in
   * the thread that calls this.
   */
  setPolicy(policy: Policy | null): void;
  /** Calls any verb by name, such as `peers.list`, with all of its arguments in one object. */
  call(verb: string, given?: Json, options?: Cancellable): Promise<unknown>;
  /**
   * Closes the node: requests under way finish, everything is on disk, the data folder is free. Closing twice is no
   * error. Once started it goes through, even when it is aborted.
   */
  close(options?: Cancellable): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How bad something is that is logged. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** A line of the log. */
export interface LogLine {
  readonly level: LogLevel;
  /** The part of the library that speaks. */
  readonly target: string;
  readonly text: string;
}

/**
 * Sends the log of this library, up to `level` (default: `info`), to `handler`, or with null to nobody. There is one
 * handler in a process; worker threads share it. One that is too slow loses lines, and is told how many. One that throws or rejects
 * causes a `DmagentLogWarning` of the process.
 */
export declare function setLog(handler: ((line: LogLine) => Answer<void>) | null, options?: { level?: LogLevel }): void;

/** A text between two marks that its author could not foresee, for a prompt. */
export declare function fenced(text: string): string;

/** The version of this package. */
export declare const version: string;
