import { familiarReference, parseReference } from '../../image/reference.ts';
import type { Workspace } from '../execute/workspace.ts';
import type { PlatformImage } from '../export/platform-image.ts';
import { type BuildFacts, type ProvenanceRequest, provenanceOf } from './provenance.ts';
import type { Predicate } from './statement.ts';

/** `--attest`, `--provenance` and `--sbom` */
export interface AttestRequest {
  readonly provenance?: ProvenanceRequest | undefined;
  readonly sbom?: boolean;
}

export interface PredicateWork {
  readonly workspace: Workspace;
  readonly names: readonly string[];
  readonly facts: () => Promise<BuildFacts>;
  readonly warn: (message: string) => void;
}

/** What is said of the image of each platform, found out once. */
export function predicateMaker(
  request: AttestRequest,
  work: PredicateWork,
): (part: PlatformImage) => Promise<readonly Predicate[]> {
  const made = new Map<PlatformImage['platform'], Promise<readonly Predicate[]>>();
  return part => {
    let predicates = made.get(part.platform);
    if (predicates === undefined) {
      predicates = makePredicates(request, part, work);
      made.set(part.platform, predicates);
    }
    return predicates;
  };
}

async function makePredicates(
  { provenance, sbom }: AttestRequest,
  part: PlatformImage,
  work: PredicateWork,
): Promise<readonly Predicate[]> {
  const predicates: Predicate[] = [];
  if (provenance !== undefined) predicates.push(provenanceOf(provenance, await work.facts()));
  if (sbom === true) predicates.push(await bomOf(part, work));
  return predicates;
}

async function bomOf({ state }: PlatformImage, work: PredicateWork): Promise<Predicate> {
  const [{ scanImage }, { spdxDocument }] = await Promise.all([
    import('./sbom/scan-image.ts'),
    import('./sbom/spdx.ts'),
  ]);
  const { workspace, names, warn } = work;
  const scanned = scanImage(await workspace.view(state));
  for (const note of scanned.notes) warn(`sbom: ${note}`);
  const [name] = names;
  return spdxDocument({
    ...scanned,
    name: name === undefined ? 'image' : familiarReference(parseReference(name)),
    created: workspace.epoch === undefined ? new Date() : new Date(workspace.epoch * 1000),
  });
}
