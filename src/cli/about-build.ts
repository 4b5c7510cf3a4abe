import { resolve } from 'node:path';
import type { BuildAbout } from '../builder/history/record-events.ts';
import { redactUrl } from '../builder/remote/redact-url.ts';

/** What the record of a build is known by. */
export function aboutBuild(
  context: string,
  {
    file,
    target,
    tag = [],
  }: Readonly<Record<'file' | 'target', string | undefined>> & {
    readonly tag?: readonly string[] | undefined;
  },
): BuildAbout {
  const isPlace = context === '-' || /^[a-z][a-z0-9+.-]*:|^github\.com\//i.test(context);
  return {
    context: isPlace ? redactUrl(context) : resolve(context),
    ...(file === undefined ? {} : { file: redactUrl(file) }),
    ...(target === undefined ? {} : { target }),
    tags: tag,
  };
}
