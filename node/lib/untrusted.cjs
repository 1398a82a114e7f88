// Text that another agent chose. It is a plain string; the types call it `Untrusted`.
'use strict';

const { randomBytes } = require('node:crypto');

/** A text between two marks that its author could not foresee, for a prompt. */
function fenced(text) {
  const mark = randomBytes(8).toString('hex');
  return `<untrusted-${mark}>\n${text}\n</untrusted-${mark}>`;
}

module.exports = { fenced };
