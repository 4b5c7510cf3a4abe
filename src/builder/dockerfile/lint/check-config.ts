import type { Dockerfile, DockerfileNode } from '../ast.ts';
import { readAssignment } from '../directives.ts';
import { dockerfileError } from '../errors.ts';
import { locationOfLines } from '../source.ts';
import { trimSpace } from '../space.ts';
import type { LintRule } from './rule.ts';

/** Which rules count, and whether a finding fails the build. */
export interface CheckConfig {
  readonly skip: 'all' | ReadonlySet<string>;
  readonly experimental: 'all' | ReadonlySet<string>;
  readonly error: boolean;
}

const nothing: ReadonlySet<string> = new Set();

/** What counts where nothing is said. */
export const defaultCheckConfig: CheckConfig = { skip: nothing, experimental: nothing, error: false };

/**
 * Parses `skip=A,B|all;error=true;experimental=C|all`; the text of what is wrong where it cannot.
 * https://docs.docker.com/build/checks/
 */
export function parseCheckConfig(text: string): CheckConfig | string {
  let config = defaultCheckConfig;
  if (trimSpace(text) === '') return config;
  // a fourth part would belong to the third: BuildKit splits no more
  const [first = '', second, ...rest] = trimSpace(text).split(';');
  const parts = [first, second, rest.length === 0 ? undefined : rest.join(';')];
  for (const part of parts.filter(part => part !== undefined)) {
    const equals = part.indexOf('=');
    const key = trimSpace(part.slice(0, equals < 0 ? undefined : equals));
    const value = trimSpace(part.slice(equals + 1));
    if (equals < 0) return `invalid check option ${JSON.stringify(part)}`;
    if (key === 'skip' || key === 'experimental') config = { ...config, [key]: rulesOf(value) };
    else if (key === 'error') {
      const error = parseBoolean(value);
      if (error === undefined) return `failed to parse check option ${JSON.stringify(part)}`;
      config = { ...config, error };
    } else return `invalid check option ${JSON.stringify(key)}`;
  }
  return config;
}

function rulesOf(value: string): 'all' | ReadonlySet<string> {
  return value === 'all' ? 'all' : new Set(value.split(',').map(trimSpace));
}

/** Go's strconv.ParseBool. */
function parseBoolean(text: string): boolean | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(?:0|f|F|false|FALSE|False)$/.test(text) ? false : undefined;
}

/**
 * The configuration of a build: the build argument BUILDKIT_DOCKERFILE_CHECK, or else the file's `# check=`.
 *
 * @throws HawserError DOCKERFILE_INVALID for one that cannot be read
 */
export function checkConfigOf(dockerfile: Dockerfile, buildArgument: string | undefined): CheckConfig {
  const directive = dockerfile.directives.find(({ name }) => name === 'check');
  const config = parseCheckConfig(buildArgument ?? optionsOf(directive?.value ?? ''));
  if (typeof config !== 'string') return config;
  throw dockerfileError(
    `failed to parse check options: ${config}`,
    locationOfLines(dockerfile.source, directive?.line ?? 1),
    'Write # check=skip=RULE,RULE;error=true.',
  );
}

/** What stands behind a blank is a remark. */
function optionsOf(value: string): string {
  return value.split(' ', 1)[0] ?? '';
}

/** The first `# check=` right above an instruction counts for that one; what it cannot say is as if it were not there. */
export function checkConfigAbove(node: DockerfileNode): CheckConfig {
  for (const comment of node.comments) {
    const assignment = readAssignment(`#${comment}`);
    if (assignment?.name.toLowerCase() !== 'check') continue;
    const config = parseCheckConfig(optionsOf(assignment.value));
    return typeof config === 'string' ? defaultCheckConfig : config;
  }
  return defaultCheckConfig;
}

/** Whether the rule counts. For an experimental one `experimental=` decides alone. */
export function isChecked(rule: LintRule, configs: readonly CheckConfig[]): boolean {
  if (rule.experimental === true) return configs.some(({ experimental }) => names(experimental, rule));
  return !configs.some(({ skip }) => names(skip, rule));
}

function names(rules: 'all' | ReadonlySet<string>, rule: LintRule): boolean {
  return rules === 'all' || rules.has(rule.name);
}
