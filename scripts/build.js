// Bundles src/ into dist/: hawser.cjs with every command and all domain code, each module of it evaluated only when it is
// asked for, and one file for each worker. Writes oclif's manifest, and the code that V8 has compiled for a cached build:
// docs/decisions/0021-one-bundle-with-code-cache.md
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { isPartOfRunning, lazyOclif } from './lazy-oclif.js';

const root = fileURLToPath(new URL('..', import.meta.url));

async function sourcesUnder(folder, wanted) {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .filter(wanted)
    .sort();
}

/** The AWS SDK, large, and for registries on S3 alone: a script of its own, dist/s3-sdk.cjs. */
const sdk = 'src/registry-server/storage/s3/s3-sdk.ts';

const common = {
  absWorkingDir: root,
  bundle: true,
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
};

const commonjs = {
  ...common,
  format: 'cjs',
  // Packages outside are required: code from the cache has nobody to import for it.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': '__module.url', 'import.meta.filename': '__filename' },
  // Made when it is asked for: a cached build does without URLs.
  banner: { js: "const __module={get url(){return require('node:url').pathToFileURL(__filename).href}};" },
};

/** As Node wraps a module: bin/run.js compiles these itself, and joining texts would copy them. */
const wrapped = {
  banner: { js: `(function (exports, require, module, __filename, __dirname) { ${commonjs.banner.js}` },
  footer: { js: '})' },
};

/** oclif reads its manifest from modules; they go again once it has. @returns the commands by id */
async function writeManifest(commands) {
  const modules = { 'commands/': join(root, 'dist/commands'), 'chunks/': join(root, 'dist/chunks') };
  await build({
    ...common,
    entryPoints: commands.map(path => ({ in: path, out: path.replace(/^src\/(.*)\.ts$/, '$1') })),
    outdir: 'dist',
    chunkNames: 'chunks/[hash]',
    splitting: true,
    format: 'esm',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  const { Plugin } = await import('@oclif/core');
  const plugin = new Plugin({ root, ignoreManifest: true });
  await plugin.load();
  await writeFile(join(root, 'oclif.manifest.json'), JSON.stringify(plugin.manifest));
  for (const folder of Object.values(modules)) await rm(folder, { recursive: true });
  return Object.values(plugin.manifest.commands);
}

/** What a cached build asks for with `import()`; the rest of what is imported so goes into the second script. */
const hot = new Set([
  'src/builder/build.ts',
  'src/cli/build-environment.ts',
  'src/cli/build-flags.ts',
  'src/cli/enter-user-namespace.ts',
  'src/cli/run-command.ts',
  'src/cli/watch-build.ts',
  'src/commands/image/build.ts',
  'src/commands/version.ts',
  'src/content/layout-store.ts',
]);

/** Lets `find` choose what stays outside, under which name. */
function leaveOut(find) {
  return {
    name: 'leave-out',
    setup(building) {
      building.onResolve({ filter: /./ }, async ({ path, pluginData, ...options }) => {
        if (pluginData === leaveOut || options.kind === 'entry-point') return undefined;
        const resolved = await building.resolve(path, { ...options, pluginData: leaveOut });
        if (relative(root, resolved.path) === sdk) return { path: './s3-sdk.cjs', external: true };
        const name = resolved.external ? undefined : find(relative(root, resolved.path), options);
        return name === undefined ? undefined : { path: name, external: true };
      });
    },
  };
}

/** Modules by path, each evaluated when it is asked for. */
function tableOf(paths) {
  const lines = paths.map(path => `${JSON.stringify(path)}: () => require(${JSON.stringify(`./${path}`)}),`);
  return `{\n${lines.join('\n')}\n}`;
}

/** Hands `main` every command by its id and its aliases: src/cli/start-command.ts. */
function runnerOf(commands) {
  const lines = commands.flatMap(({ id, aliases }) => {
    const path = JSON.stringify(`./src/commands/${id.replaceAll(':', '/')}.ts`);
    return [id, ...aliases].map(
      name => `${JSON.stringify(name)}: { id: ${JSON.stringify(id)}, load: () => import(${path}) },`,
    );
  });
  return `import { main } from './src/cli/main.ts';\nexport const run = argv => main(argv, {\n${lines.join('\n')}\n});\n`;
}

function bundle(contents, outfile, plugin) {
  return build({
    ...commonjs,
    ...wrapped,
    stdin: { contents, resolveDir: root, loader: 'ts' },
    outfile,
    metafile: true,
    plugins: [lazyOclif, plugin],
  });
}

/**
 * dist/hawser.cjs with what a cached build runs, and dist/rest.cjs with all else; each asks the other for its modules, so
 * that there is one of each. bin/run.js joins them.
 */
async function writeBundles(commands) {
  const runner = runnerOf(commands);
  const rest = new Set();
  const toRest = leaveOut((path, { kind, importer }) => {
    const isImport = kind === 'dynamic-import' && !hot.has(path);
    const isRare = importer.includes('/@oclif/core/lib/') && !isPartOfRunning(path);
    if (!isImport && !isRare) return undefined;
    rest.add(path);
    return `rest:${path}`;
  });
  const { metafile } = await bundle(runner, 'dist/hawser.cjs', toRest);
  const first = new Set(Object.keys(metafile.inputs).filter(path => path !== '<stdin>'));
  const toFirst = leaveOut(path => (first.has(path) ? `first:${path}` : undefined));
  const wanted = new Set();
  const { metafile: others } = await bundle(
    `export const modules = ${tableOf([...rest])};\n`,
    'dist/rest.cjs',
    toFirst,
  );
  for (const { imports } of Object.values(others.inputs)) {
    for (const { path } of imports) if (path.startsWith('first:')) wanted.add(path.slice('first:'.length));
  }
  await bundle(`${runner}export const modules = ${tableOf([...wanted])};\n`, 'dist/hawser.cjs', toRest);
}

/** As bin/run.js names it. */
function codeOf(script) {
  return `${script}-${process.version}-${process.arch}.bin`;
}

/** Builds an image anew and from the cache, so that V8 has compiled what these need when it is asked for its code. */
async function writeCodeCache() {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-code-'));
  try {
    const env = { ...process.env, HAWSER_ROOT: join(folder, 'root'), HAWSER_RUN: join(folder, 'run') };
    const context = join(folder, 'context');
    await mkdir(join(context, 'tree/folder'), { recursive: true });
    for (const path of ['tree/one', 'tree/folder/two']) await writeFile(join(context, path), path);
    await writeFile(join(context, '.dockerignore'), '*.log\n');
    const text = 'FROM scratch\nARG A=a\nENV B=$A\nWORKDIR /w\nCOPY tree tree\nCMD ["true"]\n';
    await writeFile(join(context, 'Dockerfile'), text);
    const args = [join(root, 'bin/run.js'), 'image', 'build', '-q', '-t', 'warm', context];
    const uses = [
      { mode: 'off', command: args },
      { mode: 'write', command: [...args, '--no-cache'] },
      { mode: 'write', command: args, anew: true },
    ];
    for (const { mode, command, anew } of uses) {
      // Nothing but what a cached build takes: V8 takes in all that is there.
      if (anew) await rm(join(root, 'dist/code', codeOf('hawser')), { force: true });
      const options = { env: { ...env, HAWSER_CODE_CACHE: mode }, encoding: 'utf8' };
      const { status, stderr } = spawnSync(process.execPath, command, options);
      // Where nothing can be built there is no code either: hawser starts a little slower.
      if (status !== 0) console.warn(`no code cache: ${stderr.trim()}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await rm(join(root, 'dist'), { recursive: true, force: true });
const commands = await writeManifest(await sourcesUnder('src/commands', () => true));
const workers = await sourcesUnder('src', path => path.endsWith('.worker.ts'));
await Promise.all([
  writeBundles(commands),
  build({
    ...commonjs,
    entryPoints: workers.map(path => ({ in: path, out: basename(path, '.ts') })),
    outdir: 'dist/workers',
    outExtension: { '.js': '.cjs' },
  }),
  build({ ...commonjs, entryPoints: [sdk], outfile: 'dist/s3-sdk.cjs' }),
]);
await writeCodeCache();
