import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Where `workers/` may lie as seen from the bundle that this module ended up in: dist/ or dist/workers/. */
const bundledFolders = ['./workers/', '../workers/'];

/** The bundled file of an entry; undefined in development. */
function bundledEntry(entry: string): URL | undefined {
  const name = `${entry.slice(entry.lastIndexOf('/') + 1)}.cjs`;
  return bundledFolders.map(folder => new URL(folder + name, import.meta.url)).find(url => existsSync(url));
}

function sourceEntry(entry: string): URL {
  return new URL(`../${entry}.ts`, import.meta.url);
}

/**
 * Starts a worker by its entry, e.g. `layers/workers/apply.worker`. Bundled, the entries lie beside each other in
 * `dist/workers/`; in development the TypeScript source is run through tsx.
 */
export function startWorker(entry: string, workerData: unknown): Worker {
  const bundled = bundledEntry(entry);
  if (bundled !== undefined) return new Worker(bundled, { workerData });
  const source = JSON.stringify(sourceEntry(entry).href);
  const bootstrap = `import('tsx/esm/api').then(tsx => { tsx.register(); return import(${source}); });`;
  return new Worker(bootstrap, { eval: true, workerData });
}

/** The words that run an entry as a process of its own. */
export function entryCommand(entry: string): readonly [string, ...string[]] {
  const bundled = bundledEntry(entry);
  if (bundled !== undefined) return [process.execPath, fileURLToPath(bundled)];
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return [process.execPath, '--import', loader, fileURLToPath(sourceEntry(entry))];
}
