import type { ErrorCode } from '../../errors/codes.ts';
import { HawserError, type SourceLocation } from '../../errors/hawser-error.ts';
import { nearest } from '../../util/nearest.ts';
import type { Program, Stage } from '../dockerfile/stages.ts';

/** Images that many build upon; a name near one of them is most often a slip. */
const commonImages: readonly string[] = [
  'alpine',
  'busybox',
  'debian',
  'fedora',
  'golang',
  'nginx',
  'node',
  'php',
  'postgres',
  'python',
  'redis',
  'ruby',
  'rust',
  'ubuntu',
];

/** What a registry, or the store, says of a name that it does not have. Docker Hub wants credentials for those. */
const unknownImage: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'IMAGE_UNKNOWN',
  'NAME_UNKNOWN',
  'MANIFEST_UNKNOWN',
  'UNAUTHORIZED',
  'DENIED',
]);

export interface ImageUse {
  /** What was written: `FROM` or `--from`. */
  readonly what: 'FROM' | '--from';
  readonly name: string;
  readonly location: SourceLocation;
}

/**
 * The error for a name that is no image, with what was most likely meant: a stage above, or a common image.
 *
 * @param error Why there is no such image; given back where nothing is near, or where it is about something else.
 */
export function withNearName(
  error: unknown,
  use: ImageUse,
  place: { program: Program; stage: Stage },
): unknown {
  if (!(error instanceof HawserError) || /[/@]/.test(use.name)) return error;
  const [name = '', tag] = use.name.split(':', 2);
  const stages = place.program.stages
    .slice(0, place.stage.index)
    .flatMap(({ name: known }) => (known === undefined ? [] : [known]));
  const stage = tag === undefined ? nearest(name, stages) : undefined;
  if (stage !== undefined) {
    const written = use.what === 'FROM' ? `FROM ${use.name}` : `--from=${use.name}`;
    return new HawserError('STAGE_UNKNOWN', `${written} is no stage before this line, and no image`, {
      cause: error,
      location: use.location,
      remedy: `Did you mean stage ${stage}?`,
    });
  }
  // the store may know better what was meant
  const isOpen = unknownImage.has(error.code) && error.remedy?.includes('Did you mean') !== true;
  const image = isOpen ? nearest(name, commonImages) : undefined;
  if (image === undefined || image === name) return error;
  return new HawserError(error.code, error.message, {
    cause: error.cause,
    location: error.location ?? use.location,
    detail: error.detail,
    remedy: `Did you mean ${image}${tag === undefined ? '' : `:${tag}`}?`,
  });
}
