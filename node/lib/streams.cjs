// What a node yields one after another: messages and events, for `for await`.
'use strict';

const { observed } = require('./decode.cjs');
const { checkObject, several } = require('./encode.cjs');
const { invalid } = require('./failure.cjs');
const { run } = require('./run.cjs');
const { Stream } = require('./stream.cjs');
const { callVerb, HANDLE } = require('./verbs.cjs');

/** What an agent works on; notices of the node itself only when asked for. */
const FOR_THE_AGENT = ['peer', 'stranger'];

/** The arguments of `messages.next` for a filter. */
function wanted(options) {
  const { from, kinds = FOR_THE_AGENT, ...rest } = options;
  const filter = { ...rest, kinds: several(kinds) };
  // The core reads an empty list as "anything".
  if (filter.kinds.length === 0) throw invalid('kinds is empty; leave it out to hear peers and strangers');
  if (from !== undefined && from !== null) {
    filter.from = several(from);
    if (filter.from.length === 0) throw invalid('from is empty; leave it out to hear everybody');
  }
  return filter;
}

/** The messages for an agent, one after another, until the node closes. */
class Inbox extends Stream {
  #node;
  #filter;

  constructor(node, options) {
    const { signal, ...filter } = checkObject(options, 'options');
    super(signal);
    if (filter.timeoutSecs !== undefined) throw invalid('inbox takes no timeoutSecs; receive does');
    this.#node = node;
    this.#filter = wanted(filter);
  }

  async _next(signal) {
    try {
      return await callVerb(this.#node, 'messages.next', this.#filter, { signal });
    } catch (error) {
      if (error?.code === 'closed') return undefined;
      throw error;
    }
  }
}

/** The next message for an agent; null when none comes in time. */
async function receive(node, options) {
  const { signal, ...filter } = checkObject(options, 'options');
  return await callVerb(node, 'messages.next', wanted(filter), { signal });
}

/** The next event of a native listener; undefined when the node is closed and all was read. */
function nextEvent(native, options) {
  return run(() => native.next(), ({ text }) => (text ? observed(JSON.parse(text)) : undefined), options);
}

/** Everything that happens, in order, until the node closes. A listener that is too slow gets a `missed`. */
class Events extends Stream {
  /** Held, as by an inbox: without the node nothing would happen any more. */
  #node;
  #native;

  constructor(node, options) {
    super(checkObject(options, 'options').signal);
    this.#node = node;
    this.#native = node[HANDLE]().events();
  }

  async _next(signal) {
    return await nextEvent(this.#native, { signal });
  }
}

module.exports = { Events, Inbox, nextEvent, receive };
