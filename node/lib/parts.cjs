// Answers that come in parts: a stream to read, and an answer to write.
'use strict';

const { checkObject } = require('./encode.cjs');
const { Stream } = require('./stream.cjs');
const { callVerb } = require('./verbs.cjs');

/** What the other side is told when nobody reads on. */
const NOBODY_READS = 'nobody waits for the answer any more';

/** The parts of an answer, for `for await`, once. Whoever stops before the end takes the question back. */
class AskStream extends Stream {
  #node;
  #question;
  #id;
  #next = 0n;

  constructor(node, to, content, options) {
    const { signal, ...rest } = checkObject(options, 'options');
    super(signal);
    this.#node = node;
    this.#question = { ...rest, to, content };
  }

  async _next(signal) {
    try {
      if (this.#question !== undefined) {
        const question = this.#question;
        this.#question = undefined;
        this.#id = (await callVerb(this.#node, 'messages.ask_stream', question, { signal })).streamId;
      }
      if (this.#id === undefined) return undefined;
      const wanted = { streamId: this.#id, number: this.#next };
      const part = await callVerb(this.#node, 'messages.next_part', wanted, { signal });
      if (part === null) {
        this.#id = undefined;
        return undefined;
      }
      this.#next = part.number + 1n;
      return part;
    } catch (error) {
      if (signal.aborted) await this.#cancel();
      this.#id = undefined;
      throw error;
    }
  }

  async return(value) {
    const ended = await super.return(value);
    this.#question = undefined;
    await this.#cancel();
    return ended;
  }

  async #cancel() {
    const id = this.#id;
    this.#id = undefined;
    if (id === undefined) return;
    try {
      await callVerb(this.#node, 'messages.cancel', { messageId: id, reason: NOBODY_READS });
    } catch {
      // The node is closed, or the question is long over.
    }
  }
}

/** An answer that is written part by part, whether the asker waits for parts or not. */
class AnswerStream {
  #node;
  #message;

  constructor(node, message) {
    this.#node = node;
    this.#message = message;
  }

  /** Writes a part, which is sent within milliseconds when the asker waits for parts. */
  async write(content, options) {
    const { from, messageId } = this.#message;
    return await this.#node.messages.part(from, messageId, content, options);
  }

  /** Sends everything that was written, and `content` as the last part, as the reply: an ordinary message. */
  async finish(options) {
    const { from, messageId } = this.#message;
    return await this.#node.messages.finish(from, messageId, options);
  }
}

module.exports = { AnswerStream, AskStream };
