import type { ErrorCode } from '../errors/codes.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { resolveImage } from './resolve-image.ts';
import type { ContentStore } from './store.ts';

/** What is said of an image that a registry does not have, or of a registry that is not there. */
const nothingThere: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'NAME_UNKNOWN',
  'MANIFEST_UNKNOWN',
  'UNAUTHORIZED',
  'DENIED',
  'REGISTRY_UNREACHABLE',
]);

/** The failure of a pull, with the near name of an image of the store where there is one. */
export async function withLocalName(store: ContentStore, text: string, failure: unknown): Promise<unknown> {
  if (!(failure instanceof HawserError) || !nothingThere.has(failure.code)) return failure;
  // blocked by this machine, whose remedy is the one that helps
  if (failure.code === 'DENIED' && failure.remedy !== undefined) return failure;
  let remedy: string | undefined;
  try {
    await resolveImage(store, text);
  } catch (error) {
    if (!(error instanceof HawserError)) throw error;
    remedy = error.code === 'IMAGE_UNKNOWN' ? error.remedy : undefined;
  }
  if (remedy?.startsWith('Did you mean') !== true) return failure;
  const { code, message, cause, detail } = failure;
  return new HawserError(code, message, { cause, detail, remedy });
}
