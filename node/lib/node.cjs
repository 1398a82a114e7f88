// The node: settings in, verbs, streams, and the face of an EventEmitter.
'use strict';

const { EventEmitter } = require('node:events');

const native = require('./native.cjs');
const { record } = require('./decode.cjs');
const { checkObject, settingsJson } = require('./encode.cjs');
const { failure, invalid } = require('./failure.cjs');
const { Message } = require('./message.cjs');
const { AskStream } = require('./parts.cjs');
const { handlerOf, methodsOf } = require('./policy.cjs');
const { run } = require('./run.cjs');
const { EVENTS, RECORDS } = require('./shapes.cjs');
const { Events, Inbox, nextEvent, receive } = require('./streams.cjs');
const { callVerb, install, HANDLE, MADE, NOUNS } = require('./verbs.cjs');

/** What nobody but `Node.open` and its sisters has. */
const KEY = Symbol('key');

/** An agent's place on the mesh. */
class Node extends EventEmitter {
  #native;
  /** The core keeps only a weak reference. */
  #policy = null;
  /** Ends the subscription for listeners, while there is one. */
  #listening;
  /** How a node learns who listens; they stay when the listeners of the program go. */
  #hooks = {
    newListener: (event) => this.#listen(event),
    removeListener: () => this.#unlisten(),
  };

  constructor(key, handle) {
    if (key !== KEY) throw invalid('a node is opened with Node.open, Node.internet, Node.fromEnv or Node.ephemeral');
    super();
    this.#native = handle;
    for (const [noun, Class] of Object.entries(NOUNS)) {
      Object.defineProperty(this, noun, { value: new Class(this), enumerable: false });
    }
    this.#hook();
  }

  /**
   * Opens a node with modest defaults: it listens on loopback and contacts nobody unasked. What is not given comes from
   * the `DARKMATTER_*` variables, and what is not there from the defaults.
   */
  static async open(settings, options) {
    return await openWith('agent', settings, options);
  }

  /** As `open`, with the behaviour of the product page under the `DARKMATTER_*` variables. */
  static async fromEnv(settings, options) {
    return await openWith('environment', settings, options);
  }

  /** Opens a node that wants to be found. It does not read the environment. */
  static async internet(settings, options) {
    return await openWith('internet', settings, options);
  }

  /** Opens a node that keeps nothing and, unless `http: true` is given, listens nowhere. */
  static async ephemeral(settings, options) {
    return await openWith('ephemeral', settings, options);
  }

  /** Who this node is. */
  get agentId() {
    return this.#native.agentId;
  }

  /** Whether it was closed. */
  get closed() {
    return this.#native.closed;
  }

  /** The token of the local API, for programs of this machine. */
  get localToken() {
    return this.#native.localToken;
  }

  /** Asks the node at a URL for a connection. */
  async connect(url, options) {
    return await this.peers.connect(url, options);
  }

  /** Sends a message to one peer or several. */
  async send(to, content, options) {
    return await this.messages.send(to, content, options);
  }

  /** Sends a message to one peer and waits for the answer to it. */
  async ask(to, content, options) {
    return await this.messages.ask(to, content, options);
  }

  /** Asks one peer, and gives the answer part by part as it is written, for `for await`. */
  askStream(to, content, options) {
    return new AskStream(this, to, content, options);
  }

  /** The messages for the agent, for `for await`. Several inboxes share the work: each message goes to one of them. */
  inbox(options) {
    return new Inbox(this, options);
  }

  /** The next message for the agent; null when none comes within `timeoutSecs`. */
  async receive(options) {
    return await receive(this, options);
  }

  /** Everything that happens from now on, for `for await`. */
  events(options) {
    return new Events(this, options);
  }

  /** Lets an object decide about connections and messages from now on; null leaves it to the settings. */
  setPolicy(policy) {
    if (policy === null) this.#native.setPolicy(null, []);
    else {
      const methods = methodsOf(policy);
      this.#native.setPolicy(handlerOf(policy), methods);
    }
    this.#policy = policy;
  }

  /** Calls any verb by name, with all of its arguments in one object. */
  async call(verb, given, options) {
    if (typeof verb !== 'string') throw invalid('verb must be text, such as peers.list');
    return await callVerb(this, verb, checkObject(given, 'given'), checkObject(options, 'options'));
  }

  /** Closes the node: requests under way finish, everything is on disk, the data folder is free. Twice is no error. */
  async close(options) {
    const { signal } = checkObject(options, 'options');
    return await run(() => this.#native.close(), () => undefined, { signal });
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  /** Removes the listeners of the program; the node goes on hearing of those that come later. */
  removeAllListeners(...named) {
    super.removeAllListeners(...named);
    this.#hook();
    return this;
  }

  [HANDLE]() {
    return this.#native;
  }

  [MADE](members, handedOut) {
    return new Message(this, record(members, RECORDS.Message), handedOut);
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Node { ${this.agentId.slice(0, 12)}…${this.closed ? ', closed' : ''} }`;
  }

  #hook() {
    for (const [event, hook] of Object.entries(this.#hooks)) {
      if (!this.listeners(event).includes(hook)) super.on(event, hook);
    }
  }

  #listen(event) {
    if (this.#listening || !(event === 'missed' || Object.hasOwn(EVENTS, event))) return;
    this.#listening = new AbortController();
    this.#pump(this.#native.events(), this.#listening);
  }

  #unlisten() {
    const heard = ['missed', ...Object.keys(EVENTS)].some((event) => this.listenerCount(event) > 0);
    if (heard) return;
    this.#listening?.abort();
    this.#listening = undefined;
  }

  /** Hands events to listeners until nobody listens or the node closes. It does not keep the process alive. */
  async #pump(listener, { signal }) {
    while (!signal.aborted) {
      let event;
      try {
        event = await nextEvent(listener, { signal, quiet: true });
      } catch {
        return;
      }
      if (event === undefined) return;
      try {
        this.emit(event.type, event);
      } catch (error) {
        // A listener that throws is a mistake of the program, as with every emitter; the others go on.
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }
}

install(Node, 'node', (node) => node);

async function openWith(preset, settings, options) {
  const { signal } = checkObject(options, 'options');
  const made = ({ node }) => {
    if (!node) throw failure('internal', 'the node was not opened');
    return new Node(KEY, node);
  };
  return await run(() => native.open(preset, settingsJson(settings)), made, { signal });
}

module.exports = { Node };
