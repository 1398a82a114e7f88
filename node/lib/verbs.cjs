// The verbs as methods: a class for each noun, made of the table of verbs.
'use strict';

const { argumentsJson, checkObject } = require('./encode.cjs');
const { value } = require('./decode.cjs');
const { failure, invalid } = require('./failure.cjs');
const { run } = require('./run.cjs');
const { VERBS } = require('./shapes.cjs');

/** Calls a verb of a node with an object of arguments. */
async function callVerb(node, verb, given, options) {
  const result = VERBS[verb]?.result ?? '';
  const made = ({ text }) => {
    const found = JSON.parse(text);
    if (result === 'nothing') return undefined;
    if (result.startsWith('flag:')) return found[result.slice('flag:'.length)];
    if (result === 'Receipt') return known(node, value(found, result));
    if (result === 'Receipt[]') return value(found, result).map((receipt) => known(node, receipt));
    if (!result.startsWith('Message')) return value(found, result);
    // One that is listed is not handed out.
    if (result === 'Message[]') return found.map((message) => node[MADE](message, false));
    return found === null ? null : node[MADE](found, true);
  };
  return await run(() => node[HANDLE]().call(verb, argumentsJson(verb, given)), made, options);
}

/**
 * A receipt that can be waited on. It is equal to any other with the same members, and the same as JSON; whoever keeps it
 * does not keep the node.
 */
function known(node, receipt) {
  const home = new WeakRef(node);
  const until = async (state = 'handled', options = {}) => {
    const node = home.deref();
    if (node === undefined) throw failure('closed', 'the node of this receipt is gone');
    return await node.messages.until(receipt.messageId, state, options);
  };
  return Object.defineProperty(receipt, 'until', { value: until, enumerable: false });
}

/** How verbs reach what a node keeps to itself: its native handle, and the messages it makes. */
const HANDLE = Symbol('handle');
const MADE = Symbol('made');

/** The method of a verb: what it must have stands in a row, the rest in an object. */
function method(verb, row, nodeOf) {
  const name = verb.slice(verb.indexOf('.') + 1).replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  return {
    async [name](...given) {
      const node = nodeOf(this);
      const { signal, ...options } = checkObject(given[row.length], 'options');
      const named = { ...options };
      row.forEach((argument, index) => {
        if (given[index] === undefined) throw invalid(`${name} needs ${argument}`);
        if (options[argument] !== undefined) throw invalid(`${argument} is given twice`);
        named[argument] = given[index];
      });
      return await callVerb(node, verb, named, { signal });
    },
  }[name];
}

/** Puts the methods of a noun on a class. */
function install(Class, noun, nodeOf) {
  for (const [verb, { row }] of Object.entries(VERBS)) {
    if (!verb.startsWith(`${noun}.`)) continue;
    const made = method(verb, row, nodeOf);
    Object.defineProperty(Class.prototype, made.name, { value: made, configurable: true, writable: true });
  }
}

/** The verbs of one noun of a node. */
class Noun {
  #node;

  constructor(node) {
    this.#node = node;
  }

  static nodeOf(noun) {
    return noun.#node;
  }
}

/** A class for each noun but the node itself. */
const NOUNS = {};
for (const noun of new Set(Object.keys(VERBS).map((verb) => verb.slice(0, verb.indexOf('.'))))) {
  if (noun === 'node') continue;
  NOUNS[noun] = class extends Noun {};
  install(NOUNS[noun], noun, Noun.nodeOf);
}

module.exports = { callVerb, install, HANDLE, MADE, NOUNS };
