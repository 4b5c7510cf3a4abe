import { isHawserError } from '../../errors/hawser-error.ts';
import { familiarReference, parseReference } from '../../image/reference.ts';

/**
 * What a name of `--build-context` is compared by: `docker.io/library/alpine:latest`, `alpine:latest` and `alpine` are one
 * name. `::OS/ARCH` at its end stays.
 */
export function contextName(name: string): string {
  const [plain = '', ...platform] = name.split('::');
  const end = platform.length === 0 ? '' : `::${platform.join('::')}`;
  try {
    return familiarReference(parseReference(plain)).replace(/:latest$/, '') + end;
  } catch (error) {
    if (!isHawserError(error)) throw error;
    return name; // no reference, so no image's name, but a stage's perhaps
  }
}

/** Whether `--build-context` gives a name, for whatever platform. */
export function givesContext(contexts: Readonly<Record<string, string>>, name: string): boolean {
  const wanted = contextName(name);
  return Object.keys(contexts).some(given => contextName(given).split('::')[0] === wanted);
}
