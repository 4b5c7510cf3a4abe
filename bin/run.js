#!/usr/bin/env node
// Runs the bundle by the code that V8 compiled for it before, where that fits this Node: compiling takes longer than a
// cached build. docs/decisions/0021-one-bundle-with-code-cache.md
'use strict';
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const dist = join(__dirname, '../dist');
const mode = process.env.HAWSER_CODE_CACHE;

function readCache(path) {
  if (mode === 'off') return undefined;
  try {
    return readFileSync(path);
  } catch {
    return undefined; // not made yet for this Node
  }
}

function writeCache(path, script) {
  const temporary = `${path}.${process.pid}`;
  try {
    mkdirSync(join(dist, 'code'), { recursive: true });
    writeFileSync(temporary, script.createCachedData());
    renameSync(temporary, path);
  } catch {
    // An installation that others own: it starts without.
  }
}

/** What a script of dist/ exports. scripts/build.js has made each the body of a function of `exports` and `require`. */
function load(name, ask) {
  const filename = join(dist, `${name}.cjs`);
  const cache = join(dist, 'code', `${name}-${process.version}-${process.arch}.bin`);
  const cachedData = readCache(cache);
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
  const isMissing = cachedData === undefined || script.cachedDataRejected === true;
  if (mode === 'write' || (isMissing && mode !== 'off'))
    process.once('exit', () => writeCache(cache, script));
  const bundled = { exports: {} };
  script.runInThisContext()(bundled.exports, ask, bundled, filename, dist);
  return bundled.exports;
}

/** What is outside of the bundle: Node's own, packages, which are found from here as well as from dist/, and what lies there. */
function requireOutside(id) {
  // node:module would bring the loader of ES modules along.
  if (id === 'node:module') return { createRequire: () => require };
  return require(id.startsWith('./') ? join(dist, id) : id);
}

/** What Node compiles for itself when it is asked for, and a cached build does without. */
const late = new Set([
  'node:child_process',
  'node:fs/promises',
  'node:net',
  'node:readline',
  'node:stream',
  'node:stream/promises',
  'node:timers/promises',
]);

/** A module that is loaded when something of it is used. */
function whenUsed(id) {
  let loaded;
  return new Proxy({}, { get: (_, name) => (loaded ??= requireOutside(id))[name] });
}

// The first script holds what a cached build runs; the rest is read when it is first asked for.
let rest;
const first = load('hawser', id => {
  if (!id.startsWith('rest:')) return late.has(id) ? whenUsed(id) : requireOutside(id);
  rest ??= load('rest', other =>
    other.startsWith('first:') ? first.modules[other.slice(6)]() : requireOutside(other),
  );
  return rest.modules[id.slice(5)]();
});

// Once nothing is left to do, the process ends without V8's tidying of a heap that nobody will use.
process.once('beforeExit', () => process.exit());
void first.run(process.argv.slice(2));
