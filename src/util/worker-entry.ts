import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

/** Where `workers/` may lie as seen from the bundle that this module ended up in: dist/ or dist/workers/. */
const bundledFolders = ['./workers/', '../workers/'];

/**
 * Starts a worker by its entry, e.g. `layers/workers/apply.worker`. Bundled, the entries lie beside each other in
 * `dist/workers/`; in development the TypeScript source is run through tsx.
 */
export function startWorker(entry: string, workerData: unknown): Worker {
  const name = `${entry.slice(entry.lastIndexOf('/') + 1)}.cjs`;
  for (const folder of bundledFolders) {
    const bundled = new URL(folder + name, import.meta.url);
    if (existsSync(bundled)) return new Worker(bundled, { workerData });
  }
  const source = new URL(`../${entry}.ts`, import.meta.url);
  const bootstrap = `import('tsx/esm/api').then(tsx => { tsx.register(); return import(${JSON.stringify(source.href)}); });`;
  return new Worker(bootstrap, { eval: true, workerData });
}
