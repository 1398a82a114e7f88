// What people pass, as the core wants it: JSON text with the names of the core.
//
// Only what would get lost on the way is refused here; everything else the core knows better.
'use strict';

const { invalid } = require('./failure.cjs');
const { NAMES } = require('./names.cjs');
const { SETTINGS, VERBS } = require('./shapes.cjs');

/** Deeper, an object refers to itself; the core takes less. */
const DEEPEST = 200;

/** A value in a few words. */
function shown(value) {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (value === null || typeof value !== 'object') return String(value);
  return `an object (${value.constructor?.name ?? 'without a class'})`;
}

/** Refuses objects of which JSON would show less than they hold: only plain ones are all in their members. */
function checkPlain(value, place) {
  const above = Object.getPrototypeOf(value);
  // The one of every realm has this, and nothing above it.
  if (above !== null && (Object.getPrototypeOf(above) !== null || !Object.hasOwn(above, 'isPrototypeOf'))) {
    throw invalid(`${place} must be a plain object, not ${shown(value)}`);
  }
  const [symbol] = Object.getOwnPropertySymbols(value);
  if (symbol) throw invalid(`${place} cannot have the member ${String(symbol)}; names of members are text`);
}

/** JSON text of a value; what JSON cannot hold is refused, with its place. */
function json(value, place, depth = 0) {
  if (depth > DEEPEST) throw invalid(`${place} is nested too deeply, or contains itself`);
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw invalid(`${place} is no text: it has half of a surrogate pair`);
      return JSON.stringify(value);
    case 'bigint':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) throw invalid(`${place} must be a finite number, not ${value}`);
      return String(value);
    case 'boolean':
      return String(value);
    case 'object':
      break;
    default:
      throw invalid(`${place} cannot be ${shown(value)}`);
  }
  if (value === null) return 'null';
  if (typeof value.toJSON === 'function') return json(value.toJSON(), place, depth + 1);
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item, index) => json(item, `${place}[${index}]`, depth + 1)).join()}]`;
  }
  checkPlain(value, place);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${json(name, place)}:${json(member, `${place}.${name}`, depth + 1)}`).join()}}`;
}

/** The id of an agent, or of whatever has one. */
function agentId(agent, place) {
  const id = typeof agent === 'string' ? agent : agent?.agentId;
  if (typeof id === 'string') return id;
  throw invalid(`${place} must be an agent id or something with an agentId, not ${shown(agent)}`);
}

/** Several values as an array; one stands for itself. */
function several(values) {
  // Text and agents may be iterable, but nobody means their letters.
  if (typeof values === 'object' && values !== null && values.agentId === undefined && values[Symbol.iterator]) {
    return [...values];
  }
  return [values];
}

/** JSON text of what stands for an argument or a setting. */
function crossing(value, kind, place) {
  if (value === null || kind === '') return json(value, place);
  if (kind.endsWith('[]')) {
    if (!Array.isArray(value)) return json(value, place);
    return `[${value.map((item, index) => crossing(item, kind.slice(0, -2), `${place}[${index}]`)).join()}]`;
  }
  switch (kind) {
    case 'agent':
      return json(agentId(value, place), place);
    case 'agents':
      return json(several(value).map((agent, index, all) => agentId(agent, all.length > 1 ? `${place}[${index}]` : place)), place);
    case 'recipients':
      if (value[Symbol.iterator] && typeof value !== 'string' && value.agentId === undefined) {
        return crossing(value, 'agents', place);
      }
      return json(agentId(value, place), place);
    case 'several':
      return json(several(value), place);
    case 'sequence':
      return json(value.sequence ?? value, place);
    default:
      return typeof value === 'object' ? members(checkObject(value, place), SETTINGS[kind], `${place}.`) : json(value, place);
  }
}

/** JSON text of an object whose members are known. What is not known goes as it is, to be refused. */
function members(given, known, place = '') {
  const parts = [];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const own = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!own && name.includes('_') && NAMES.has(name)) {
      throw invalid(`${place}${name} is not known; here it is called ${NAMES.get(name)}`);
    }
    const [there, kind] = own ?? [name, ''];
    parts.push(`${JSON.stringify(there)}:${crossing(value, kind, `${place}${name}`)}`);
  }
  return `{${parts.join()}}`;
}

/** Refuses what is no plain object. */
function checkObject(value, name) {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(`${name} must be an object, not ${shown(value)}`);
  checkPlain(value, name);
  return value;
}

/** The settings of a node as JSON text. */
function settingsJson(settings) {
  return members(checkObject(settings, 'settings'), SETTINGS.NodeConfig);
}

/** The arguments of a verb as JSON text. The core knows whether there is a verb of another name. */
function argumentsJson(verb, given) {
  return members(given, VERBS[verb]?.members ?? {});
}

module.exports = { agentId, argumentsJson, checkObject, several, settingsJson, shown };
