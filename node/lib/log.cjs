// The library's log in a function of the program.
'use strict';

const native = require('./native.cjs');
const { checkObject } = require('./encode.cjs');
const { failure, invalid } = require('./failure.cjs');
const { told } = require('./told.cjs');

const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'];

/**
 * Sends the log of this library to `handler({ level, target, text })`, or with `null` to nobody. There is one handler
 * in a process; worker threads share it. One that throws or rejects causes a warning of the process.
 */
function setLog(handler, options) {
  const { level = 'info' } = checkObject(options, 'options');
  if (!LEVELS.includes(level)) throw invalid(`level must be one of ${LEVELS.join(', ')}`);
  if (handler !== null && typeof handler !== 'function') throw invalid('handler must be a function or null');
  const hear = handler && ((level, target, text) => {
    heard(handler, { level, target, text });
  });
  if (!native.setLog(level, hear)) throw failure('invalid_argument', 'the log of this process belongs to somebody else');
}

/** Hands a line over; used by the native half, so it never throws. */
async function heard(handler, line) {
  try {
    await handler(line);
  } catch (error) {
    process.emitWarning(`the handler of the log failed: ${told(error)}`, 'DmagentLogWarning');
  }
}

module.exports = { setLog };
