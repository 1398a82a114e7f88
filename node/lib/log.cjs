// The library's log in a function of the program.
'use strict';

const native = require('./native.cjs');
const { checkObject } = require('./encode.cjs');
const { failure, invalid } = require('./failure.cjs');

const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'];

/**
 * Sends the log of this library to `handler({ level, target, text })`, or with `null` to nobody. There is one handler
 * in a process; worker threads share it.
 */
function setLog(handler, options) {
  const { level = 'info' } = checkObject(options, 'options');
  if (!LEVELS.includes(level)) throw invalid(`level must be one of ${LEVELS.join(', ')}`);
  if (handler !== null && typeof handler !== 'function') throw invalid('handler must be a function or null');
  const told = handler && ((level, target, text) => {
    try {
      handler({ level, target, text });
    } catch (error) {
      process.emitWarning(error);
    }
  });
  if (!native.setLog(level, told)) throw failure('invalid_argument', 'the log of this process belongs to somebody else');
}

module.exports = { setLog };
