import { isDirectiveName, readAssignment } from './directives.ts';
import { dockerfileError } from './errors.ts';
import { locationOfLines } from './source.ts';
import { skipSpace } from './space.ts';

/** The frontend that a file asks for, and where. */
export interface SyntaxRequest {
  readonly image: string;
  readonly line: number;
}

/** Its last path component; a registry may mirror it under any name before. */
const builtInFrontends: ReadonlySet<string> = new Set(['dockerfile', 'dockerfile-upstream']);

/**
 * The `syntax` directive in any of its forms: `# syntax=`, `// syntax=`, or a file that is one JSON object of strings;
 * also below a shebang line. https://docs.docker.com/reference/dockerfile/#syntax
 */
export function detectSyntax(text: string): SyntaxRequest | undefined {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  const first = lines[0]?.startsWith('#!') ? 1 : 0;
  return inComments(lines, first, '#') ?? inComments(lines, first, '//') ?? inJson(lines, first);
}

function inComments(lines: readonly string[], first: number, mark: string): SyntaxRequest | undefined {
  for (let index = first; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const assignment = readAssignment(line.slice(skipSpace(line, 0)), mark);
    const name = assignment?.name.toLowerCase();
    if (assignment === undefined || !isDirectiveName(name)) return undefined;
    if (name === 'syntax') return { image: firstWord(assignment.value), line: index + 1 };
  }
  return undefined;
}

function inJson(lines: readonly string[], first: number): SyntaxRequest | undefined {
  const text = lines.slice(first).join('\n');
  if (text.charAt(skipSpace(text, 0)) !== '{') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // no JSON: then the file is read as a Dockerfile, whose parser tells what is wrong
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Object.values(value).every(entry => typeof entry === 'string')) return undefined;
  const image = (value as Record<string, string>).syntax;
  return image === undefined ? undefined : { image, line: first + 1 };
}

function firstWord(text: string): string {
  return text.split(' ', 1)[0] ?? '';
}

/**
 * Refuses a file that is written for another frontend than the one that is built in: its lines would be misread.
 *
 * @param options `override` is the build argument BUILDKIT_SYNTAX, which wins over the file.
 * @throws HawserError DOCKERFILE_INVALID
 */
export function requireBuiltInFrontend(
  text: string,
  options: { readonly file: string; readonly override?: string | undefined },
): void {
  const request =
    options.override === undefined ? detectSyntax(text) : { image: firstWord(options.override), line: 1 };
  if (request === undefined || isBuiltIn(request.image)) return;
  const source = { file: options.file, lines: text.replace(/^\ufeff/, '').split(/\r?\n/) };
  throw dockerfileError(
    `the frontend ${JSON.stringify(request.image)} cannot be run: only Dockerfiles can be built`,
    locationOfLines(source, request.line),
    'Build it with BuildKit; or, if it is a Dockerfile all the same, add --build-arg BUILDKIT_SYNTAX=dockerfile.v0.',
  );
}

function isBuiltIn(image: string): boolean {
  if (image === '' || image === 'dockerfile.v0') return true;
  const name = image.replace(/@.*$/, '').split('/').at(-1)?.replace(/:.*$/, '');
  return builtInFrontends.has(name ?? '');
}
