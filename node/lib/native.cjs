// Finds the native half: the one built in this checkout, or the package of this platform.
'use strict';

const { existsSync } = require('node:fs');
const { join } = require('node:path');

const { platform } = require('./platform.cjs');

function load() {
  const built = join(__dirname, '..', 'dmagent.node');
  if (existsSync(built)) return require(built);
  const name = `@dmagent/${platform()}`;
  try {
    return require(name);
  } catch (cause) {
    const missing = cause.code === 'MODULE_NOT_FOUND' && cause.message.includes(name);
    const advice = missing
      ? `Install dmagent without --omit=optional, so that the package ${name} comes with it. If there is none for this ` +
        'platform, build the library in a checkout with `cargo xtask test node`.'
      : `The package ${name} is there but does not load.`;
    throw new Error(`dmagent has no native library for this platform. ${advice}`, { cause });
  }
}

module.exports = load();
