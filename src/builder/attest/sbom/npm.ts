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

function parseJson(text: string | undefined): Json {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return isObject(value) ? value : {};
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

type Json = Readonly<Record<string, unknown>>;

function lockedPackages(files: ImageFiles, from: string): readonly FoundPackage[] {
  const { packages, dependencies } = parseJson(files.read(from));
  if (isObject(packages)) {
    return Object.entries(packages).flatMap(([path, entry]) => {
      const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
      return name === undefined ? [] : lockedPackage(name, entry, from);
    });
  }
  return isObject(dependencies) ? treeOf(dependencies, from, 0) : [];
}

/** Deeper than any that npm writes. */
const DEPTH = 100;

/** Lock files of npm 6 and older. */
function treeOf(dependencies: Json, from: string, depth: number): readonly FoundPackage[] {
  return Object.entries(dependencies).flatMap(([name, entry]) => {
    const below = isObject(entry) ? entry.dependencies : undefined;
    const nested = isObject(below) && depth < DEPTH ? treeOf(below, from, depth + 1) : [];
    return [...lockedPackage(name, entry, from), ...nested];
  });
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}

function lockedPackage(name: string, entry: unknown, from: string): readonly FoundPackage[] {
  const { version, license, link, dev } = isObject(entry) ? entry : {};
  if (typeof version !== 'string' || link === true || dev === true) return [];
  return [{ type: 'npm', name, version, ...(typeof license === 'string' ? { license } : {}), from }];
}
