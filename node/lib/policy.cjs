// A JavaScript object that decides for the node.
'use strict';

const { record } = require('./decode.cjs');
const { agentId, several, shown } = require('./encode.cjs');
const { invalid } = require('./failure.cjs');
const { RECORDS } = require('./shapes.cjs');
const { nameOf, told } = require('./told.cjs');

/** An agent id, as the core takes it. */
const ID = /^[0-9a-f]{64}$/;

/** The methods as the core calls them: their names here, what they are asked, and the plain words they may answer. */
const METHODS = {
  admit_connection: { name: 'admitConnection', question: 'ConnectionQuestion', words: ['default', 'accept', 'ask'] },
  admit_message: { name: 'admitMessage', question: 'MessageQuestion', words: ['accept'] },
  route: { name: 'route', question: 'MessageQuestion', words: ['default', 'keep', 'drop'] },
};

/** What a policy decides, in the names of the core. */
function methodsOf(policy) {
  const found = Object.keys(METHODS).filter((method) => typeof policy?.[METHODS[method].name] === 'function');
  if (found.length > 0 && typeof policy === 'object') return found;
  const names = Object.values(METHODS).map(({ name }) => name);
  throw invalid(`policy must be an object with any of the methods ${names.join(', ')}, not ${shown(policy)}`);
}

/** The answer of a method as the core reads it; throws when it means nothing. */
function verdictJson(method, verdict) {
  const { name, words } = METHODS[method];
  const key = method === 'route' ? 'route' : 'verdict';
  // Read once: whoever answers with a getter may say something else the next time.
  const { forward, refuse: reason } = verdict ?? {};
  if (method === 'route' && forward !== undefined) {
    const to = several(forward).map((agent, index) => agentId(agent, `forward[${index}]`));
    const wrong = to.find((id) => !ID.test(id));
    if (wrong !== undefined) throw new TypeError(`forward takes agent ids, 64 hexadecimal digits each, not ${shown(wrong)}`);
    return JSON.stringify({ route: 'forward', to });
  }
  if (method !== 'route' && typeof reason === 'string') {
    if (!reason.isWellFormed()) throw new TypeError('refuse is no text: it has half of a surrogate pair');
    return JSON.stringify({ verdict: 'refuse', reason });
  }
  if (verdict === undefined || verdict === null) verdict = words.includes('default') ? 'default' : verdict;
  if (words.includes(verdict)) return JSON.stringify({ [key]: verdict });
  const object = method === 'route' ? '{ forward: agents }' : '{ refuse: reason }';
  throw new TypeError(`${name} answers one of ${words.map(shown).join(', ')} or ${object}, not ${shown(verdict)}`);
}

/** Asks a policy; used by the native half, so it never throws. */
async function decide(policy, method, question, reply) {
  const { name, question: kind } = METHODS[method];
  try {
    const verdict = await policy[name](record(JSON.parse(question), RECORDS[kind]));
    reply.answer(verdictJson(method, verdict));
  } catch (error) {
    // The owner is told in full and the core in short.
    reply.fail(`${name} threw ${nameOf(error)}`);
    process.emitWarning(`${name} of the policy failed, so the safe answer is given: ${told(error)}`, 'DmagentPolicyWarning');
  }
}

/**
 * What the native half calls. It keeps only a weak reference: what the policy leads to may lead back to the node, which
 * the garbage collector could not see.
 */
function handlerOf(policy) {
  const weak = new WeakRef(policy);
  return (method, question, reply) => {
    if (!reply.wanted) return;
    const there = weak.deref();
    if (there) decide(there, method, question, reply);
    else reply.fail('the policy is gone');
  };
}

module.exports = { handlerOf, methodsOf };
