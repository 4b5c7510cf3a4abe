import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isHawserError, messageOf, systemErrorCode } from '../errors/hawser-error.ts';
import { type Digest, type DigestAlgorithm, digestAlgorithm, isDigest } from '../image/digest.ts';
import { subjectOfTag } from '../image/referrers.ts';
import { namesIn } from '../util/names-in.ts';
import { mapPool } from '../util/pool.ts';
import { isRunning } from '../util/process-identity.ts';
import { findMissingContent } from './check-image.ts';
import type { Finding } from './finding.ts';
import { isUntaggedName } from './resolve-image.ts';
import { salvageNames } from './salvage-names.ts';
import type { BlobInfo, LayoutStore, NamedDescriptor } from './store.ts';

export interface CheckLayoutOptions {
  /** The layout's folder. */
  readonly root: string;
  /** Where its leases, locks and temporary files are. */
  readonly state: string;
  /** Hashes a file, in a thread that is not this one. */
  readonly hashFile: (path: string, algorithm: DigestAlgorithm) => Promise<Digest>;
  /** How many files are hashed at once. */
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

export interface CheckedLayout {
  readonly blobs: number;
  /** Bytes that were hashed. */
  readonly size: number;
  readonly names: number;
  readonly leases: number;
  /** Blobs that do not hash to their names. */
  readonly damaged: ReadonlySet<Digest>;
  readonly findings: readonly Finding[];
}

/**
 * Hashes every blob, and looks through the graph of every name, the leases and the temporary files. Other processes may
 * go on meanwhile: nothing is locked until something is repaired.
 */
export async function checkLayout(store: LayoutStore, options: CheckLayoutOptions): Promise<CheckedLayout> {
  const blobs: BlobInfo[] = [];
  for await (const info of store.list()) blobs.push(info);
  const damaged = await damagedBlobs(store, blobs, options);
  const findings: Finding[] = [...damaged].map(([digest, problem]) => ({
    part: 'blob',
    subject: digest,
    problem,
    severity: 'damage',
    repair: () => quarantine(store.pathOf(digest), options.state),
  }));
  findings.push(...(await strayBlobFiles(options)));
  const broken = new Set(damaged.keys());
  const names = await checkNames(store, { ...options, broken });
  const leases = await checkLeases(store, options.state);
  findings.push(...names.findings, ...leases.findings, ...(await staleFiles(options.state)));
  const size = blobs.reduce((sum, blob) => sum + blob.size, 0);
  return {
    blobs: blobs.length,
    size,
    names: names.count,
    leases: leases.count,
    damaged: broken,
    findings,
  };
}

async function damagedBlobs(
  store: LayoutStore,
  blobs: readonly BlobInfo[],
  { hashFile, threads, signal }: CheckLayoutOptions,
): Promise<ReadonlyMap<Digest, string>> {
  const damaged = new Map<Digest, string>();
  // The largest first, so that no thread is left with it at the end.
  const ordered = blobs.toSorted((left, right) => right.size - left.size);
  await mapPool(
    ordered,
    async ({ digest }) => {
      const problem = await problemOf(() => hashFile(store.pathOf(digest), digestAlgorithm(digest)), digest);
      // One that went meanwhile was collected.
      if (problem !== undefined && (await store.stat(digest)) !== undefined) damaged.set(digest, problem);
    },
    { limit: threads, signal },
  );
  return damaged;
}

async function problemOf(hash: () => Promise<Digest>, digest: Digest): Promise<string | undefined> {
  try {
    const actual = await hash();
    return actual === digest ? undefined : `hashes to ${actual}`;
  } catch (error) {
    if (isHawserError(error, 'ABORTED')) throw error;
    return `cannot be read: ${messageOf(error)}`;
  }
}

/** Sets a file aside, for whoever wants to look at it. */
async function quarantine(path: string, state: string): Promise<void> {
  const folder = join(state, 'quarantine');
  await mkdir(folder, { recursive: true });
  try {
    await rename(path, join(folder, `${Date.now()}-${basename(path)}`));
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

async function strayBlobFiles({ root, state }: CheckLayoutOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const algorithm of await namesIn(join(root, 'blobs'))) {
    for (const name of await namesIn(join(root, 'blobs', algorithm))) {
      if (isDigest(`${algorithm}:${name}`)) continue;
      const path = join(root, 'blobs', algorithm, name);
      findings.push({
        part: 'blob',
        subject: path,
        problem: 'its name is no digest',
        severity: 'damage',
        repair: () => quarantine(path, state),
      });
    }
  }
  return findings;
}

async function checkNames(
  store: LayoutStore,
  options: CheckLayoutOptions & { readonly broken: ReadonlySet<Digest> },
): Promise<{ readonly count: number; readonly findings: readonly Finding[] }> {
  let names: readonly NamedDescriptor[];
  try {
    names = [...(await store.references.list()), ...(await store.references.listReferrersTags())];
  } catch (error) {
    if (!isHawserError(error, 'STORE_CORRUPT')) throw error;
    const indexPath = join(options.root, 'index.json');
    const repair = async () => {
      const text = await readFile(indexPath, 'utf8');
      await quarantine(indexPath, options.state);
      await salvageNames(store, text);
    };
    const remedy = 'Images whose names were lost are listed as <none>: name them with hawser tag.';
    const { message: problem } = error;
    return {
      count: 0,
      findings: [{ part: 'name', subject: indexPath, problem, severity: 'damage', remedy, repair }],
    };
  }
  const findings: Finding[] = [];
  for (const named of names) {
    const problem = await findMissingContent(store, named.descriptor, options.broken);
    // One that was changed or removed meanwhile is no finding.
    if (problem === undefined || !(await stillNamed(store, named))) continue;
    findings.push({
      part: 'name',
      subject: named.name,
      problem,
      severity: 'damage',
      remedy:
        isUntaggedName(named.name) || subjectOfTag(named.name) !== undefined
          ? 'Build it again.'
          : `Pull it again: hawser pull ${named.name}; or build or load it again.`,
      repair: () => forgetName(store, named),
    });
  }
  return { count: names.length, findings };
}

async function stillNamed(store: LayoutStore, { name, descriptor }: NamedDescriptor): Promise<boolean> {
  return (await store.references.get(name))?.digest === descriptor.digest;
}

/** Removes the name, unless it has become whole again or stands for something else by now. */
async function forgetName(store: LayoutStore, named: NamedDescriptor): Promise<void> {
  await store.leases.exclusively(async () => {
    const stillBroken = (await findMissingContent(store, named.descriptor, new Set<Digest>())) !== undefined;
    if (stillBroken && (await stillNamed(store, named))) await store.references.remove(named.name);
  });
}

async function checkLeases(
  store: LayoutStore,
  state: string,
): Promise<{ readonly count: number; readonly findings: readonly Finding[] }> {
  const folder = join(state, 'leases');
  const files = (await namesIn(folder)).filter(name => name.endsWith('.lease'));
  const held = new Set((await store.leases.list()).map(({ id }) => `${id}.lease`));
  const findings: Finding[] = files
    .filter(name => !held.has(name))
    .map(name => ({
      part: 'lease',
      subject: name.slice(0, -'.lease'.length),
      problem: 'its process is gone',
      severity: 'leftover',
      repair: () => store.leases.exclusively(() => rm(join(folder, name), { force: true })),
    }));
  return { count: held.size, findings };
}

async function staleFiles(state: string): Promise<readonly Finding[]> {
  const folder = join(state, 'ingest');
  return (await namesIn(folder)).flatMap((name): Finding[] => {
    const owner = /^(\d+)-(\d+)-[0-9a-f]+\.tmp$/.exec(name);
    if (owner !== null && isRunning({ pid: Number(owner[1]), start: owner[2] as string })) return [];
    const path = join(folder, name);
    const repair = () => rm(path, { force: true, recursive: true });
    const problem = 'half written by a process that is gone';
    return [{ part: 'temporary', subject: path, problem, severity: 'leftover', repair }];
  });
}
