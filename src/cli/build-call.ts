import type { BuildCheck, CheckRequest, LookUpConfig } from '../builder/check-build.ts';
import { HawserError } from '../errors/hawser-error.ts';

const methods = ['check', 'outline', 'targets'] as const;

export interface BuildCall {
  readonly method: (typeof methods)[number];
  readonly format: 'text' | 'json';
}

/**
 * `--call METHOD[,format=json]`; `lint` is BuildKit's older name of `check`.
 *
 * @throws HawserError INVALID_ARGUMENT
 */
export function parseBuildCall(text: string): BuildCall {
  const [name = '', ...fields] = text.split(',');
  const method = methods.find(known => known === (name === 'lint' ? 'check' : name));
  const formats = fields.map(field => /^format=(text|json)$/.exec(field)?.[1] as 'text' | 'json' | undefined);
  if (method !== undefined && !formats.includes(undefined)) {
    return { method, format: formats.at(-1) ?? 'text' };
  }
  throw new HawserError('INVALID_ARGUMENT', `unknown --call ${JSON.stringify(text)}`, {
    remedy: `Use one of build, ${methods.join(', ')}; the last three with ,format=json where a program reads it.`,
  });
}

/** What a call prints, and what it ends with. */
export interface CallAnswer {
  readonly lines: readonly string[];
  readonly error?: HawserError;
  readonly failed: boolean;
}

/**
 * Answers what `--call` asks instead of building.
 *
 * @throws HawserError DOCKERFILE_UNKNOWN, CONTEXT_INVALID, DOCKERFILE_INVALID, STAGE_UNKNOWN
 */
export async function answerCall(
  call: BuildCall,
  request: CheckRequest,
  lookUp: () => Promise<LookUpConfig>,
): Promise<CallAnswer> {
  if (call.method === 'check') {
    const { checkBuild } = await import('../builder/check-build.ts');
    return checkAnswer(call, await checkBuild(request, await lookUp()));
  }
  const [{ loadDockerfile }, { parseDockerfile }, { parseProgram }, output] = await Promise.all([
    import('../builder/check-build.ts'),
    import('../builder/dockerfile/parse.ts'),
    import('../builder/dockerfile/stages.ts'),
    import('./outline-output.ts'),
  ]);
  const { text, file } = await loadDockerfile(request);
  const program = parseProgram(parseDockerfile(text, { file }));
  const isJson = call.format === 'json';
  if (call.method === 'targets') {
    const { targetsOf } = await import('../builder/dockerfile/describe/targets.ts');
    const targets = targetsOf(program);
    const lines = isJson ? [output.targetsJson(targets, text)] : output.targetsLines(targets);
    return { lines, failed: false };
  }
  const { outlineOf } = await import('../builder/dockerfile/describe/outline.ts');
  const outline = outlineOf(program, request);
  const lines = isJson ? [output.outlineJson(outline, text)] : output.outlineLines(outline);
  return { lines, failed: false };
}

async function checkAnswer({ format }: BuildCall, checked: BuildCheck): Promise<CallAnswer> {
  const { checkJson, checkLines } = await import('./check-output.ts');
  const failed = checked.findings.length > 0 || checked.error !== undefined;
  // in JSON the error is a part of the answer
  if (format === 'json') return { lines: [checkJson(checked)], failed };
  const lines = checkLines(checked);
  return { lines, failed, ...(checked.error === undefined ? {} : { error: checked.error }) };
}
