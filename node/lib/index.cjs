// The package `dmagent` as CommonJS sees it. `index.mjs` shows the same objects.
'use strict';

const { version } = require('../package.json');
const { DmError, CLASSES } = require('./errors.cjs');
const { setLog } = require('./log.cjs');
const { Message } = require('./message.cjs');
const { Node } = require('./node.cjs');
const { AnswerStream, AskStream } = require('./parts.cjs');
const { Events, Inbox } = require('./streams.cjs');
const { fenced } = require('./untrusted.cjs');

module.exports = { Node, Message, Inbox, Events, AskStream, AnswerStream, DmError, ...CLASSES, fenced, setLog, version };
