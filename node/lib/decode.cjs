// What the core tells, as people get it: records with the names of JavaScript, and integers of 64 bits as BigInt.
'use strict';

const { EVENTS, RECORDS } = require('./shapes.cjs');

/** A value of a kind, see `shapes.cjs`. */
function value(found, kind) {
  if (kind === '' || found === null || found === undefined) return found ?? null;
  if (kind === 'big') return BigInt(found);
  if (kind.endsWith('[]')) return found.map((item) => value(item, kind.slice(0, -2)));
  return record(found, RECORDS[kind]);
}

/** A record. Members that this version does not know are left out. */
function record(found, shape) {
  const made = {};
  for (const [there, [here, kind, absent]] of Object.entries(shape)) {
    // What stands for an absent member belongs to nobody else.
    made[here] = value(found[there] === undefined ? structuredClone(absent) : found[there], kind);
  }
  return made;
}

/** What an event stream yields. One of a later version goes as it is. */
function observed(found) {
  if (found.missed !== undefined) return { type: 'missed', missed: BigInt(found.missed) };
  const shape = Object.hasOwn(EVENTS, found.type) ? EVENTS[found.type] : undefined;
  return shape ? { type: found.type, ...record(found, shape) } : found;
}

module.exports = { observed, record, value };
