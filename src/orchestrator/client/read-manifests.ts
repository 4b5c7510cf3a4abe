import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from 'yaml';
import { isJsonList, isJsonObject, type JsonValue } from '../../api/patch/json-value.ts';
import { yamlOptions } from '../../api/yaml-options.ts';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { locateField, locationAt, type ManifestObject, type ManifestSource } from './manifest-object.ts';

/** Bytes of a file: no list of objects is longer. */
const FILE_LIMIT = 16 << 20;

async function readInput(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function filesOf(path: string): Promise<readonly string[]> {
  try {
    const found = await stat(path);
    if (found.size > FILE_LIMIT && found.isFile())
      throw new HawserError('SIZE_INVALID', `${path} has ${found.size} bytes, which is no manifest`);
    if (!found.isDirectory()) return [path];
  } catch (cause) {
    if (systemErrorCode(cause) !== 'ENOENT') throw cause;
    throw new HawserError('NOT_FOUND', `there is no file ${JSON.stringify(path)}`, {
      cause,
      remedy: 'Name a YAML or JSON file, a folder, or - for stdin.',
    });
  }
  const names = (await readdir(path)).filter(name => /\.(ya?ml|json)$/.test(name)).sort();
  return names.map(name => join(path, name));
}

function notAnObject(source: ManifestSource, document: Document): HawserError {
  const location = locateField(source, document, { path: [], part: 'value' });
  return new HawserError('OBJECT_INVALID', `${source.file} is not a Kubernetes object`, {
    location,
    remedy: 'An object has apiVersion, kind and metadata.',
  });
}

/** @throws HawserError OBJECT_INVALID where aliases lead nowhere, or grow without end */
function valueOf({ file }: ManifestSource, document: Document): JsonValue {
  try {
    return document.toJS({ maxAliasCount: 100 }) as JsonValue;
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    throw new HawserError('OBJECT_INVALID', `${file} cannot be read: ${cause.message}`, {
      cause,
      remedy: 'Write the object without so many aliases.',
    });
  }
}

function objectsOf(source: ManifestSource, document: Document): readonly ManifestObject[] {
  const value = valueOf(source, document);
  if (value === null) return [];
  if (!isJsonObject(value)) throw notAnObject(source, document);
  const at = (base: readonly (string | number)[]): ManifestObject['locate'] => {
    return (path, part = 'value') => locateField(source, document, { path: [...base, ...path], part });
  };
  const { kind, items } = value;
  if (typeof kind !== 'string' || !kind.endsWith('List') || !isJsonList(items))
    return [{ value, locate: at([]) }];
  return items.map((item, index) => {
    if (!isJsonObject(item)) throw notAnObject(source, document);
    return { value: item, locate: at(['items', index]) };
  });
}

/**
 * The objects of a text with one or more YAML documents (JSON is YAML).
 *
 * @throws HawserError OBJECT_INVALID with its place
 */
export async function parseManifests(file: string, text: string): Promise<readonly ManifestObject[]> {
  const { LineCounter, parseAllDocuments } = await import('yaml');
  const counter = new LineCounter();
  const source = { file, lines: text.split('\n'), counter };
  const documents = parseAllDocuments(text, { ...yamlOptions, lineCounter: counter, prettyErrors: false });
  const found: ManifestObject[] = [];
  // An empty stream gives a list with a property, not of documents.
  for (const document of Array.isArray(documents) ? documents : []) {
    const [error] = document.errors;
    if (error !== undefined) {
      const [start, end] = error.pos;
      throw new HawserError('OBJECT_INVALID', `${file} is not valid YAML: ${error.message}`, {
        cause: error,
        location: locationAt(source, start, end),
        remedy: 'Mend the named line.',
      });
    }
    found.push(...objectsOf(source, document));
  }
  return found;
}

/**
 * The objects of files and folders in their order.
 *
 * @param input What `-` reads.
 * @throws HawserError NOT_FOUND, OBJECT_INVALID
 */
export async function readManifests(
  paths: readonly string[],
  input: AsyncIterable<Uint8Array>,
): Promise<readonly ManifestObject[]> {
  const objects: ManifestObject[] = [];
  for (const path of paths) {
    if (path === '-') {
      objects.push(...(await parseManifests('-', await readInput(input))));
      continue;
    }
    for (const file of await filesOf(path))
      objects.push(...(await parseManifests(file, await readFile(file, 'utf8'))));
  }
  if (objects.length > 0) return objects;
  throw new HawserError('OBJECT_INVALID', `there is no object in ${paths.join(', ')}`, {
    remedy: 'Give a file with apiVersion, kind, metadata and spec.',
  });
}
