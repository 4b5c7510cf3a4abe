import { formatPlatform } from '../../image/platform.ts';
import { writeFileAtomic } from '../../util/atomic-file.ts';
import { slsaPredicateType } from '../attest/statement.ts';
import type { BuildOptions, BuildResult } from '../environment.ts';
import type { ExportWork } from './export-image.ts';
import type { FormedImage } from './platform-image.ts';

/** `--iidfile` and `--metadata-file`. */
export async function writeBuildFiles(
  exported: ExportedBuild,
  { iidfile, metadataFile }: Pick<BuildOptions, 'iidfile' | 'metadataFile'>,
): Promise<BuildResult> {
  const { image, names } = exported;
  const { descriptor, document, parts } = image;
  const config = document.kind === 'manifest' ? parts[0]?.image.config : undefined;
  const imageID = config?.digest ?? descriptor.digest;
  if (iidfile !== undefined) await writeFileAtomic(iidfile, imageID);
  if (metadataFile !== undefined) await writeFileAtomic(metadataFile, await metadataOf(exported));
  return { descriptor, imageID, names };
}

interface ExportedBuild {
  readonly image: FormedImage;
  readonly names: readonly string[];
  /** Of the build. */
  readonly id: string;
  readonly predicatesOf: ExportWork['predicatesOf'];
}

/** As `docker buildx build --metadata-file` has it: docs.docker.com/reference/cli/docker/buildx/build/#metadata-file */
async function metadataOf({ image, names, id, predicatesOf }: ExportedBuild): Promise<string> {
  const { descriptor, document, parts } = image;
  const config = document.kind === 'manifest' ? parts[0]?.image.config.digest : undefined;
  const provenance: [string, object][] = [];
  for (const part of parts) {
    const found = (await predicatesOf?.(part))?.find(({ type }) => type === slsaPredicateType);
    const end = document.kind === 'manifest' ? '' : `/${formatPlatform(part.platform)}`;
    if (found !== undefined) provenance.push([`buildx.build.provenance${end}`, found.value]);
  }
  const metadata = {
    ...Object.fromEntries(provenance),
    'buildx.build.ref': `hawser/hawser/${id}`,
    ...(config === undefined ? {} : { 'containerimage.config.digest': config }),
    'containerimage.descriptor': descriptor,
    'containerimage.digest': descriptor.digest,
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
  };
  return `${JSON.stringify(metadata, null, 2)}\n`;
}
