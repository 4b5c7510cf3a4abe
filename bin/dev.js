#!/usr/bin/env -S node --import tsx
// hawser from its source; the manifest of the last build tells its commands.
'use strict';
const manifest = require('../oclif.manifest.json');

const table = {};
for (const { id, aliases } of Object.values(manifest.commands)) {
  const load = () => import(`../src/commands/${id.replaceAll(':', '/')}.ts`);
  for (const name of [id, ...aliases]) table[name] = { id, load };
}
void import('../src/cli/main.ts').then(({ main }) => main(process.argv.slice(2), table));
