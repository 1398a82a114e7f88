// Prints the facts of an installed npm package, as `languages.py` wants them: `node see_node.mjs NODE_MODULES TYPESCRIPT`.
//
// What the types promise and what a node has when the program runs must be the same; a difference is a problem.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, compiler] = process.argv.slice(2);
const require = createRequire(join(modules, 'nobody.cjs'));
const ts = createRequire(import.meta.url)(compiler);
const dmagent = require('dmagent');
const folder = join(modules, 'dmagent', 'lib');
const { CODES } = require(join(folder, 'errors.cjs'));
const { EVENTS, RECORDS, SETTINGS, VERBS } = require(join(folder, 'shapes.cjs'));

const facts = {};
const problem = (name, told) => (facts[`problem ${name}`] = told);

/** What stands in a file of types. */
function statements(file) {
  const text = readFileSync(join(folder, file), 'utf8');
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true).statements;
}

/** The declarations of a file, by name. */
function declared(file) {
  return new Map(statements(file).filter((one) => one.name).map((one) => [one.name.text, one]));
}

const textOf = (comment) => ts.getTextOfJSDocComment(comment) ?? '';
const docOf = (one) => ts.getJSDocCommentsAndTags(one).map(({ comment }) => textOf(comment)).join('\n');

/** The items `- \`word\`: text` of a comment. */
function items(text) {
  const found = Array.from(text.matchAll(/^- `([^`]+)`: ?((?:.*)(?:\n(?!- `).*)*)/gm), ([, word, told]) => [word, told]);
  return Object.fromEntries(found);
}

/** The words of a union of literals, or of one. */
const words = (type) => (type.types ?? [type]).map(({ literal }) => literal?.text).filter((word) => word !== undefined);

/** Complains when what a program finds differs from what the types say. */
function same(what, found, expected) {
  const [a, b] = [found, expected].map((names) => JSON.stringify([...names].sort()));
  if (a !== b) problem(what, `there is ${a} when the program runs, and ${b} in the types`);
}

/** Tells the names under which the members of a record, of settings or of the arguments of a verb reach the core. */
function crossing(owner, pairs) {
  for (const [here, there] of pairs) facts[`crosses ${owner} ${here} ${there}`] = null;
}

const node = await dmagent.Node.ephemeral();
const { version } = await node.info();
if (version !== dmagent.version || version !== require('dmagent/package.json').version) {
  problem('version', 'the package, what it exports and its node are of different versions');
}
facts[`version ${version}`] = null;

/** What a file of types exports for a program that runs. */
function* exported(file) {
  for (const one of statements(file)) {
    if (ts.isExportDeclaration(one)) {
      if (!one.isTypeOnly) yield* exported(one.moduleSpecifier.text.replace(/\.js$/, '.d.ts'));
    } else if (one.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) {
      if (ts.isVariableStatement(one)) yield* one.declarationList.declarations;
      else if (ts.isClassDeclaration(one) || ts.isFunctionDeclaration(one)) yield one;
    }
  }
}

/** Complains about members that types declare and what a program meets has not. */
function membersOf(name, Class, instance, members) {
  for (const one of members.filter((member) => member.name)) {
    const symbol = one.name.expression?.name.text;
    const key = symbol ? Symbol[symbol] : one.name.text;
    const owner = ts.getCombinedModifierFlags(one) & ts.ModifierFlags.Static ? Class : instance;
    const there = ts.isFunctionLike(one) ? typeof owner[key] === 'function' : key in owner;
    if (!there) problem(`${name}.${symbol ?? key}`, 'is declared, but not there when the program runs');
  }
}

const promised = [...exported('index.d.ts')];
const names = promised.map((one) => one.name.text);
const modular = await import(pathToFileURL(join(folder, 'index.mjs')));
same('exports', Object.keys(dmagent), names);
same('exports for ES modules', Object.keys(modular), names);
// Members of which only what was made has something.
const made = { Node: node, DmError: await node.call('no.verb').catch((error) => error) };
const interfaces = statements('index.d.ts').filter(ts.isInterfaceDeclaration);
for (const one of promised) {
  const name = one.name.text;
  const value = dmagent[name];
  if (modular[name] !== value) problem(name, 'is another for ES modules');
  if (ts.isVariableDeclaration(one) ? value === undefined : typeof value !== 'function') {
    problem(name, 'is declared, but not there when the program runs');
  } else if (ts.isClassDeclaration(one)) {
    const merged = interfaces.filter((also) => also.name.text === name).flatMap(({ members }) => [...members]);
    membersOf(name, value, made[name] ?? value.prototype, [...one.members, ...merged]);
  }
}

/** A verb as JavaScript writes it. */
const spelled = (verb) => verb.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

const types = { ...Object.fromEntries(declared('verbs.d.ts')) };
const promisedVerbs = [];
for (const [name, type] of Object.entries(types)) {
  const noun = name === 'NodeVerbs' ? 'node' : name.toLowerCase();
  if (!docOf(type)) problem(name, 'the noun has no documentation');
  for (const method of type.members.filter(ts.isMethodSignature)) verb(noun, method);
}
same('verbs', Object.keys(VERBS).map(spelled), promisedVerbs);

function verb(noun, method) {
  const name = `${noun}.${method.name.text}`;
  const owner = noun === 'node' ? node : node[noun];
  if (typeof owner?.[method.name.text] !== 'function') problem(name, 'a node has no such method');
  promisedVerbs.push(name);
  facts[`verb ${name}`] = docOf(method);
  if (!method.type) problem(name, 'its result has no type');
  const told = new Map(
    ts.getJSDocTags(method).filter(ts.isJSDocParameterTag).map((tag) => [tag.name.getText(), textOf(tag.comment)]),
  );
  const given = [];
  const row = [];
  for (const parameter of method.parameters) {
    if (parameter.name.text !== 'options') {
      row.push(parameter.name.text);
      given.push([parameter.name.text, told.get(parameter.name.text), parameter]);
      continue;
    }
    for (const member of parameter.type.members) {
      if (member.name.text !== 'signal') given.push([member.name.text, told.get(`options.${member.name.text}`), member]);
    }
  }
  for (const [argument, doc, { type }] of given) {
    facts[`argument ${name} ${argument}`] = doc ?? '';
    if (!type) problem(`${name} ${argument}`, 'has no type');
  }
  const entry = VERBS[Object.keys(VERBS).find((verb) => spelled(verb) === name)];
  const { members = {} } = entry ?? {};
  crossing(name, Object.entries(members).map(([here, [there]]) => [here, there]));
  same(name, Object.keys(members), given.map(([argument]) => argument));
  same(`${name}, in a row`, entry?.row ?? [], row);
}

// The options of the shortcuts, as the compiler understands them.
const program = ts.createProgram([join(folder, 'index.d.ts')], { strict: true, skipLibCheck: true, types: [] });
const checker = program.getTypeChecker();
const classes = new Map(program.getSourceFile(join(folder, 'index.d.ts')).statements.filter(ts.isClassDeclaration)
  .map((one) => [one.name.text, one]));
for (const [shortcut, owner] of [['send', 'Node'], ['reply', 'Message'], ['ask', 'Node'], ['receive', 'Node']]) {
  const methods = classes.get(owner).members.filter((member) => member.name?.text === shortcut);
  for (const parameter of methods.flatMap(({ parameters }) => [...parameters])) {
    if (parameter.name.text !== 'options') continue;
    const type = checker.getNonNullableType(checker.getTypeAtLocation(parameter));
    for (const { name } of checker.getPropertiesOfType(type)) {
      if (name !== 'signal') facts[`option ${shortcut} ${name}`] = null;
    }
  }
}

const records = declared('records.d.ts');
const events = records.get('EventMap').members.map((member) => [member.name.text, member.type.typeName.text]);
same('events', ['missed', ...Object.keys(EVENTS)], events.map(([word]) => word));
const eventOf = new Map(events.map(([word, name]) => [name, word]));
for (const [name, type] of records) {
  if (ts.isTypeAliasDeclaration(type)) {
    const explained = items(docOf(type));
    for (const word of words(type.type)) facts[`word ${name} ${word}`] = explained[word] ?? '';
  } else if (name !== 'EventMap') {
    const event = eventOf.get(name);
    const owner = event ?? (name === 'MessageRecord' ? 'Message' : name);
    facts[`${event ? 'event' : 'record'} ${owner}`] = docOf(type);
    const fields = type.members.filter((member) => member.name.text !== 'type');
    for (const field of fields) {
      facts[`field ${owner} ${field.name.text}`] = docOf(field);
      if (!field.type) problem(`${owner} ${field.name.text}`, 'has no type');
    }
    const shape = event ? EVENTS[event] : RECORDS[owner];
    crossing(owner, Object.entries(shape ?? {}).map(([there, [here]]) => [here, there]));
    if (owner !== 'missed') {
      const found = Object.values(shape ?? {}).map(([member]) => member);
      same(owner, new Set(event ? ['at', ...found] : found), fields.map((field) => field.name.text));
    }
  }
}

const errors = declared('errors.d.ts');
same('codes', Object.keys(CODES), words(errors.get('Code').type));
for (const [code, { kind, number, retryable }] of Object.entries(CODES)) {
  const declaration = errors.get(kind.name);
  facts[`code ${code}`] = (declaration && items(docOf(declaration))[code]) ?? '';
  facts[`raises ${code} ${kind.name}`] = null;
  facts[`number ${code} ${number}`] = null;
  facts[`retry ${code} ${retryable}`] = null;
  if (dmagent[kind.name] !== kind) problem(code, 'its class is not what the package exports');
}

const groups = declared('settings.d.ts');
settings('', 'Settings');
function settings(before, name) {
  const shape = SETTINGS[name === 'Settings' ? 'NodeConfig' : name];
  same(name, Object.keys(shape ?? {}), groups.get(name).members.map((member) => member.name.text));
  crossing(name === 'Settings' ? 'NodeConfig' : name, Object.entries(shape ?? {}).map(([here, [there]]) => [here, there]));
  for (const member of groups.get(name).members) {
    facts[`setting ${before}${member.name.text}`] = docOf(member);
    const inner = /\b(InboxLimits|Limits|RoutingRule)\b/.exec(member.type.getText());
    if (inner) settings(`${before}${member.name.text}.`, inner[1]);
  }
}
await node.close();
console.log(JSON.stringify(facts));
