// How errors are made: from what the native half tells, and from what a caller passed.
'use strict';

const { DmError, CODES } = require('./errors.cjs');
const { NAMES } = require('./names.cjs');

/** Codes whose sentences name members of what the caller passed. */
const ABOUT_ARGUMENTS = new Set(['invalid_argument', 'config_invalid']);

/** A sentence about arguments, with the names they have in JavaScript. */
function renamed(sentence) {
  return sentence.replace(/\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b/g, (word) => NAMES.get(word) ?? word);
}

/** The error for what the native half tells. */
function toError({ code, number, retryable, message, context }) {
  const Kind = CODES[code]?.kind ?? DmError;
  const sentence = ABOUT_ARGUMENTS.has(code) ? renamed(message) : message;
  return new Kind(sentence, { code, number, retryable, context: Object.fromEntries(context) });
}

/** The error of a code that is found on this side. */
function failure(code, message) {
  const { kind: Kind, number, retryable } = CODES[code];
  return new Kind(message, { code, number, retryable });
}

/** The error for what the caller passed. */
function invalid(message) {
  return failure('invalid_argument', message);
}

module.exports = { toError, failure, invalid };
