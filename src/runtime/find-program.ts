import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';

/** Where Debian keeps programs of root that the PATH of a user's shell may lack. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The absolute path of a program in PATH or the system's folders; undefined where there is none. */
export function findProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const folders = name.includes('/') ? [''] : [...(env.PATH ?? '').split(delimiter), ...systemFolders];
  for (const folder of folders) {
    if (folder === '' && !name.startsWith('/')) continue;
    const path = folder === '' ? name : join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'ENOTDIR') throw error;
    }
  }
  return undefined;
}

/** @throws HawserError REQUIREMENT_MISSING that names the Debian package */
export function requireProgram(
  name: string,
  options: { readonly package: string; readonly env?: Readonly<Record<string, string | undefined>> },
): string {
  const found = findProgram(name, options.env);
  if (found !== undefined) return found;
  throw new HawserError('REQUIREMENT_MISSING', `the program ${name} is not installed`, {
    remedy: `Install it, e.g. apt-get install ${options.package}.`,
    detail: { program: name, package: options.package },
  });
}
