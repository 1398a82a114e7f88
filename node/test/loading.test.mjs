// The package as both kinds of modules see it, its log, and the documents that show it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import * as dmagent from 'dmagent';

import { opened, program } from './helpers.mjs';

test('both kinds of modules see the same objects', () => {
  const common = createRequire(import.meta.url)('dmagent');
  assert.deepEqual(Object.keys(common).sort(), Object.keys(dmagent).sort());
  for (const name of Object.keys(common)) assert.equal(common[name], dmagent[name], name);
});

test('the types name what is there', async () => {
  const types = await Promise.all(
    ['index', 'errors'].map((name) => readFile(new URL(`../lib/${name}.d.ts`, import.meta.url), 'utf8')),
  );
  const declared = types.join('\n').matchAll(/^export declare (?:class|function|const) (\w+)/gm);
  assert.deepEqual(Array.from(declared, ([, name]) => name).sort(), Object.keys(dmagent).sort());
});

test('the version is that of the library', async (t) => {
  assert.equal((await (await opened(t, 'alice')).info()).version, dmagent.version);
});

test('every verb of the types is a method', async (t) => {
  const node = await opened(t, 'alice');
  const text = await readFile(new URL('../lib/verbs.d.ts', import.meta.url), 'utf8');
  for (const [, noun, body] of text.matchAll(/^export interface (\w+) \{\n([\s\S]*?)^\}/gm)) {
    const has = noun === 'NodeVerbs' ? node : node[noun.toLowerCase()];
    for (const [, verb] of body.matchAll(/^ {2}(\w+)\(/gm)) assert.equal(typeof has[verb], 'function', `${noun}.${verb}`);
  }
});

test('the log of the library arrives in a function', async () => {
  const { status, said, complained } = await program(`
    import { Node, setLog } from 'dmagent';
    let heard;
    const line = new Promise((resolve) => (heard = resolve));
    setLog((told) => heard(told), { level: 'warn' });
    const alive = setInterval(() => {}, 1000);
    process.env.DARKMATTER_HOTS = '0.0.0.0';
    const node = await Node.open({ ephemeral: true, http: false });
    await node.close();
    const { level, target, text } = await line;
    console.log(level, target, text);
    setLog(null);
    clearInterval(alive);
  `);
  assert.equal(complained, '');
  assert.match(said, /^warn dmagent::\S+ no setting has this variable.*DARKMATTER_HOTS/);
  assert.equal(status, 0);
  assert.throws(() => dmagent.setLog(7), { code: 'invalid_argument' });
  assert.throws(() => dmagent.setLog(null, { level: 'loud' }), { code: 'invalid_argument', message: /^level / });
});

test('the programs in the README run', async () => {
  const text = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const programs = Array.from(text.matchAll(/^```js\n([\s\S]*?)^```/gm), ([, found]) => found);
  assert.equal(programs.length >= 2, true);
  for (const [index, found] of programs.entries()) {
    const { status, said, complained } = await program(found);
    assert.equal(complained, '', found);
    if (index === 0) assert.equal(said, /^```text\n([\s\S]*?)^```/m.exec(text)[1]);
    assert.equal(status, 0);
  }
});

test('what is published finds the library of its platform, or says what to do', async (t) => {
  const run = promisify(execFile);
  const folder = await mkdtemp(join(tmpdir(), 'dmagent-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const packages = join(folder, 'node_modules');
  await run(process.execPath, [fileURLToPath(new URL('../tools/pack.mjs', import.meta.url)), packages]);

  const { optionalDependencies, version, devDependencies } = JSON.parse(
    await readFile(join(packages, 'dmagent', 'package.json'), 'utf8'),
  );
  assert.equal(optionalDependencies['@dmagent/linux-x64-gnu'], version);
  assert.equal(devDependencies, undefined);
  const load = ['-e', `console.log(require('dmagent').version, require.resolve('dmagent'))`];
  const { stdout } = await run(process.execPath, load, { cwd: folder });
  assert.equal(stdout.startsWith(version), true);
  assert.match(stdout, /node_modules.dmagent.lib.index\.cjs/);

  await rm(join(packages, '@dmagent'), { recursive: true });
  await assert.rejects(run(process.execPath, load, { cwd: folder }), ({ stderr }) => {
    assert.match(stderr, /dmagent has no native library for this platform\. Install dmagent without --omit=optional/);
    return true;
  });
});

test('a handler of the log that throws, whatever it is, causes a warning and no more', async () => {
  const thrown = ['null', '5', "'no disk'", 'new Error("no disk")', '{ name: Symbol("x") }', 'new Proxy({}, { get() { throw 1; } })'];
  for (const way of ['() => { throw thrown; }', 'async () => { throw thrown; }']) {
    const { status, said, complained } = await program(
      `
      import { Node, setLog } from 'dmagent';
      const [alice, bob] = [await Node.ephemeral({ http: true }), await Node.ephemeral({ http: true })];
      const { url } = await bob.info();
      // One that fails is told of in the log.
      bob.setPolicy({ admitConnection: () => 'perhaps' });
      for (const thrown of [${thrown.join()}]) {
        const warned = new Promise((resolve) => process.on('warning', ({ name }) => name === 'DmagentLogWarning' && resolve(name)));
        setLog(${way}, { level: 'trace' });
        // A call that waits keeps the process alive.
        const waiting = new AbortController();
        const receiving = alice.receive({ signal: waiting.signal }).catch(() => {});
        await alice.connect(url);
        console.log(await warned);
        setLog(null);
        waiting.abort();
        await receiving;
      }
      await alice.close();
      await bob.close();
    `,
      { flags: ['--no-warnings'] },
    );
    assert.deepEqual({ status, said }, { status: 0, said: 'DmagentLogWarning\n'.repeat(thrown.length) }, complained);
  }
});
