import type { FoundPackage } from './found-package.ts';
import type { ImageFiles } from './image-files.ts';

/** Where no packages lie, and where a walk may not end. */
const skipped = new Set(['proc', 'sys', 'dev']);

/**
 * Packages in folders `node_modules`, by their package.json; of a project without one, those that its package-lock.json
 * names: docs.npmjs.com, package-lock.json, "packages".
 */
export function npmPackages(files: ImageFiles): readonly FoundPackage[] {
  const found: FoundPackage[] = [];
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const entries = files.list(folder);
    const below = (name: string) => (folder === '' ? name : `${folder}/${name}`);
    const isModules = /(?:^|\/)node_modules(?:\/@[^/]+)?$/.test(folder);
    for (const { name, isFolder } of entries) {
      if (isFolder && !(folder === '' && skipped.has(name))) waiting.push(below(name));
      if (isFolder && isModules && !name.startsWith('@') && name !== '.bin') {
        const one = packageOf(files, below(name));
        if (one !== undefined) found.push(one);
      }
    }
    const hasModules = entries.some(({ name, isFolder }) => isFolder && name === 'node_modules');
    const hasLock = entries.some(({ name, isFolder }) => !isFolder && name === 'package-lock.json');
    if (hasLock && !hasModules && !folder.includes('node_modules'))
      found.push(...lockedPackages(files, below('package-lock.json')));
  }
  return found;
}

function parseJson(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // the file of a test, or no JSON at all: it tells of no package
  }
}

function packageOf(files: ImageFiles, folder: string): FoundPackage | undefined {
  const from = `${folder}/package.json`;
  const { name, version, license } = parseJson(files.read(from));
  if (typeof name !== 'string' || typeof version !== 'string' || name === '') return undefined;
  return { type: 'npm', name, version, ...(typeof license === 'string' ? { license } : {}), from };
}

function lockedPackages(files: ImageFiles, from: string): readonly FoundPackage[] {
  const { packages } = parseJson(files.read(from));
  if (typeof packages !== 'object' || packages === null) return [];
  return Object.entries(packages as Readonly<Record<string, unknown>>).flatMap(([path, entry]) => {
    const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    const { version, license, link, dev } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (name === undefined || typeof version !== 'string' || link === true || dev === true) return [];
    return [
      { type: 'npm' as const, name, version, ...(typeof license === 'string' ? { license } : {}), from },
    ];
  });
}
