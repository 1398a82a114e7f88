// What a function of the program threw, in text for its owner. Anything can be thrown, so nothing here relies on what it is.
'use strict';

const { shown } = require('./encode.cjs');

/** The name of what was thrown: that of an error, or else the type. */
function nameOf(thrown) {
  try {
    if (typeof thrown?.name === 'string') return thrown.name;
  } catch {
    // It does not want to be looked at.
  }
  return typeof thrown;
}

/** What was thrown, with the stack of an error. */
function told(thrown) {
  try {
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    return typeof stack === 'string' ? stack : shown(thrown);
  } catch {
    return `a value of the type ${typeof thrown} that cannot be shown`;
  }
}

module.exports = { nameOf, told };
