// Puts together what is published: `node pack.mjs FOLDER [PLATFORM=LIBRARY …]`.
//
// FOLDER gets the package `dmagent`, which names one optional package for each of `platforms.json`, and the package
// `@dmagent/PLATFORM` of each library that is given; without any, of the one built in this checkout. The optional packages
// are named only here: npm refuses to work with a lock file that leaves out what the registry does not have yet.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { platform } = createRequire(import.meta.url)('../lib/platform.cjs');

const top = fileURLToPath(new URL('..', import.meta.url));
const read = async (path) => JSON.parse(await readFile(path, 'utf8'));
const write = (path, value) => writeFile(path, `${JSON.stringify(value, null, 2)}\n`);

const [folder, ...given] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node pack.mjs FOLDER [PLATFORM=LIBRARY ...]');
const platforms = await read(join(top, 'tools', 'platforms.json'));
const libraries = given.length > 0 ? given.map((pair) => pair.split('=', 2)) : [[platform(), join(top, 'dmagent.node')]];

const { devDependencies: _, ...published } = await read(join(top, 'package.json'));
const { version, keywords, license, repository, engines } = published;
published.optionalDependencies = Object.fromEntries(Object.keys(platforms).map((name) => [`@dmagent/${name}`, version]));
const main = join(folder, 'dmagent');
await mkdir(main, { recursive: true });
for (const part of [...published.files, 'README.md']) await cp(join(top, part), join(main, part), { recursive: true });
await write(join(main, 'package.json'), published);

for (const [name, library] of libraries) {
  if (!Object.hasOwn(platforms, name)) throw new Error(`platforms.json does not know ${name}`);
  const place = join(folder, '@dmagent', name);
  await mkdir(place, { recursive: true });
  await cp(library, join(place, 'dmagent.node'));
  for (const part of ['LICENSE-APACHE', 'LICENSE-MIT']) await cp(join(top, part), join(place, part));
  const about = `The native library of [dmagent](${repository.url.replace(/^git\+|\.git$/g, '')}) for ${name}.`;
  await writeFile(
    join(place, 'README.md'),
    `# @dmagent/${name}\n\n${about} The package \`dmagent\` depends on it; install that one.\n`,
  );
  await write(join(place, 'package.json'), {
    name: `@dmagent/${name}`,
    version,
    description: `The native library of dmagent for ${name}`,
    keywords,
    license,
    repository,
    engines,
    ...platforms[name],
    main: 'dmagent.node',
    files: ['dmagent.node', 'LICENSE-APACHE', 'LICENSE-MIT'],
  });
}
