#!/usr/bin/env node
// Runs the bundle by the code that V8 compiled for it before, where that fits this Node: compiling takes longer than a
// cached build. docs/decisions/0021-one-bundle-with-code-cache.md
'use strict';
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const bundle = join(__dirname, '../dist/hawser.cjs');
const cache = join(__dirname, `../dist/code/${process.version}-${process.arch}.bin`);
const mode = process.env.HAWSER_CODE_CACHE;

function readCache() {
  if (mode === 'off') return undefined;
  try {
    return readFileSync(cache);
  } catch {
    return undefined; // not made yet for this Node
  }
}

function writeCache(script) {
  const temporary = `${cache}.${process.pid}`;
  try {
    mkdirSync(dirname(cache), { recursive: true });
    writeFileSync(temporary, script.createCachedData());
    renameSync(temporary, cache);
  } catch {
    // An installation that others own: it starts without.
  }
}

const cachedData = readCache();
const script = new Script(wrap(readFileSync(bundle, 'latin1')), {
  filename: bundle,
  cachedData,
});
const isMissing = cachedData === undefined || script.cachedDataRejected === true;
if (mode === 'write' || (isMissing && mode !== 'off')) process.once('exit', () => writeCache(script));

const bundled = { exports: {} };
script.runInThisContext()(bundled.exports, createRequire(bundle), bundled, bundle, dirname(bundle));
void bundled.exports.run(process.argv.slice(2));
