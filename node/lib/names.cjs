// The names of members: as the core has them, and as JavaScript has them.
'use strict';

const { SETTINGS, VERBS } = require('./shapes.cjs');

/** From the names of the core to those here, for all that a caller may pass. */
const NAMES = new Map();
for (const members of [...Object.values(SETTINGS), ...Object.values(VERBS).map((verb) => verb.members)]) {
  for (const [here, [there]] of Object.entries(members)) NAMES.set(there, here);
}

module.exports = { NAMES };
