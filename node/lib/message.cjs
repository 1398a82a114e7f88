// A message in the hands of an agent.
'use strict';

const { checkObject, shown } = require('./encode.cjs');
const { invalid } = require('./failure.cjs');
const { AnswerStream } = require('./parts.cjs');
const { HANDLE } = require('./verbs.cjs');

/** A member as JSON can hold it, with everything in it. */
function written(member) {
  if (typeof member === 'bigint') return String(member);
  if (Array.isArray(member)) return member.map(written);
  if (member === null || typeof member !== 'object') return member;
  return Object.fromEntries(Object.entries(member).map(([name, inner]) => [name, written(inner)]));
}

/**
 * A received message. It stays in the inbox until it is acknowledged. One that was neither acknowledged nor released
 * comes again some time after nobody refers to this object any more.
 */
class Message {
  #node;
  #lease;
  #settled = false;

  constructor(node, members, handedOut) {
    Object.assign(this, members);
    this.#node = node;
    this.#lease = handedOut
      ? node[HANDLE]().lease(this.sequence, this.redeliveries)
      : undefined;
  }

  /** Answers the sender. */
  async reply(content, options) {
    const given = checkObject(options, 'options');
    if (given.inReplyTo !== undefined) {
      throw invalid('reply takes no inReplyTo: it answers this message; use send to answer another');
    }
    return await this.#node.send(this.from, content, { ...given, inReplyTo: this.messageId });
  }

  /** The answer, written part by part. */
  stream() {
    return new AnswerStream(this.#node, this);
  }

  /**
   * Removes the message for good: it is handled. False while the disk is full: then memory alone knows it, until the
   * disk has room, and a crash before that brings the message back.
   */
  async acknowledge(options) {
    const stored = await this.#node.messages.acknowledge(this.sequence, options);
    this.#settled = true;
    return stored;
  }

  /** Gives the message back, to be handed out again after `delaySecs` seconds. False when it was over before. */
  release(delaySecs = 0) {
    if (typeof delaySecs !== 'number' || !(delaySecs >= 0 && delaySecs <= 31_536_000)) {
      throw invalid(`delaySecs must be a number of seconds from 0 to 31536000, not ${shown(delaySecs)}`);
    }
    return this.#giveBack(delaySecs);
  }

  /** The message as JSON can hold it: integers of 64 bits as decimal text. For `JSON.stringify`. */
  toJSON() {
    return Object.fromEntries(Object.entries(this).map(([name, member]) => [name, written(member)]));
  }

  /** Without a delay, after the pause of one that could not be handled. */
  #giveBack(delaySecs) {
    this.#settled = true;
    return this.#node[HANDLE]().release(this.sequence, this.redeliveries, delaySecs);
  }

  /** Gives the message back, after a pause, unless it was acknowledged or released. For `await using`. */
  async [Symbol.asyncDispose]() {
    if (!this.#settled && this.#lease !== undefined) this.#giveBack();
  }
}

module.exports = { Message };
