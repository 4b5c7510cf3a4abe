// Bundles src/ into dist/: one small entry per command (what a command does not need is not loaded), one per worker,
// shared code in chunks. Then writes oclif's manifest, so that no command module is loaded to find another.
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

async function sourcesUnder(folder, wanted) {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .filter(wanted)
    .sort();
}

const outputName = source =>
  source
    .replace(/^src\//, '')
    .replace(/^.*\/workers\//, 'workers/')
    .replace(/^cli\//, '')
    .replace(/\.ts$/, '');

const sources = [
  'src/cli/main.ts',
  ...(await sourcesUnder('src/commands', () => true)),
  ...(await sourcesUnder('src', path => path.endsWith('.worker.ts'))),
];

await rm(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: sources.map(source => ({ in: source, out: outputName(source) })),
  outdir: 'dist',
  chunkNames: 'chunks/[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Its CommonJS build, which `node` would choose, loses its names behind a dynamic import.
  alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') },
  // Native code and its loaders stay packages of their own.
  external: ['koffi', 'lmdb', 'etcd3', 'zlib-sync', 'tsx', 'tsx/esm/api'],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});

const { Plugin } = await import('@oclif/core');
const plugin = new Plugin({ root, ignoreManifest: true });
await plugin.load();
await writeFile(join(root, 'oclif.manifest.json'), JSON.stringify(plugin.manifest));
