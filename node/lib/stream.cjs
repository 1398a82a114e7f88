// What messages, events and parts of answers have in common when they come one after another.
'use strict';

const { checkSignal, either } = require('./signals.cjs');

/** A stream whose `return` ends a `next` that waits, which an async generator would not. */
class Stream {
  #over = new AbortController();
  #signal;

  constructor(signal) {
    this.#signal = checkSignal(signal);
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async next() {
    if (this.#over.signal.aborted) return { value: undefined, done: true };
    const joined = either([this.#over.signal, ...(this.#signal ? [this.#signal] : [])]);
    try {
      const value = await this._next(joined.signal);
      if (value !== undefined) return { value, done: false };
    } catch (error) {
      if (!this.#over.signal.aborted || error !== this.#over.signal.reason) {
        this.#over.abort();
        throw error;
      }
    } finally {
      joined.end();
    }
    this.#over.abort();
    return { value: undefined, done: true };
  }

  async return(value) {
    this.#over.abort();
    return { value, done: true };
  }
}

module.exports = { Stream };
