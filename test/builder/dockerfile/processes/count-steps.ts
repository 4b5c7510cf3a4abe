import { Session } from 'node:inspector';
import { hostileInputs } from '../hostile.ts';

/*
 * Prints how many steps the parser and the linter take for each hostile input, at three sizes: how often V8 ran a block of its modules,
 * and how many characters the built-in functions that go over a text had before them. A process of its own, since V8
 * counts only in functions that it compiles after it was asked to.
 */

interface Coverage {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
}

const session = new Session();
session.connect();
let scanned = 0;

function ask<T>(method: string, parameters: object = {}): T {
  let result: unknown;
  session.post(method, parameters, (error, answer) => {
    if (error !== null) throw error;
    result = answer;
  });
  return result as T;
}

/** Lets a built-in method count what it went over. */
function counting(prototype: object, names: readonly string[]): void {
  for (const name of names) {
    const original = Reflect.get(prototype, name) as (this: unknown, ...parameters: unknown[]) => unknown;
    Reflect.defineProperty(prototype, name, {
      configurable: true,
      writable: true,
      value(this: string | readonly unknown[] | RegExp, ...parameters: unknown[]) {
        const result = original.apply(this, parameters);
        scanned += costOf(this, parameters, result);
        return result;
      },
    });
  }
}

function costOf(
  subject: string | readonly unknown[] | RegExp,
  parameters: readonly unknown[],
  result: unknown,
): number {
  if (subject instanceof RegExp) return subject.sticky ? 1 : String(parameters[0]).length;
  const from = typeof parameters[1] === 'number' ? parameters[1] : 0;
  // a search ends where it finds something
  return (typeof result === 'number' && result >= 0 ? result + 1 : subject.length) - from;
}

function stepsSoFar(): number {
  const { result } = ask<{ result: readonly Coverage[] }>('Profiler.takePreciseCoverage');
  return result
    .filter(({ url }) => url.includes('/src/builder/dockerfile/'))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges.map(({ count }) => count)))
    .reduce((sum, count) => sum + count, 0);
}

ask('Profiler.enable');
ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
const { parseDockerfile } = await import('../../../../src/builder/dockerfile/parse.ts');
const { parseProgram } = await import('../../../../src/builder/dockerfile/stages.ts');
const { lintDockerfile } = await import('../../../../src/builder/dockerfile/lint/lint.ts');
const { isHawserError } = await import('../../../../src/errors/hawser-error.ts');
counting(String.prototype, ['indexOf', 'includes', 'replace', 'replaceAll', 'split', 'trim']);
counting(RegExp.prototype, ['exec', 'test']);
counting(Array.prototype, ['join', 'includes', 'find', 'some', 'every', 'map', 'filter', 'indexOf']);

function parse(text: string): void {
  try {
    parseProgram(parseDockerfile(text, { file: 'Dockerfile' }));
  } catch (error) {
    if (!isHawserError(error, 'DOCKERFILE_INVALID')) throw error;
  }
}

function lint(text: string): void {
  lintDockerfile(text, { file: 'Dockerfile' });
}

function count(work: (text: string) => void): object {
  const counts = Object.entries(hostileInputs).map(([name, input]) => {
    const steps = [10, 20, 40].map(factor => {
      const text = input(factor * 1000);
      stepsSoFar(); // it begins anew with every question
      scanned = 0;
      work(text);
      return stepsSoFar() + scanned;
    });
    return [name, steps];
  });
  return Object.fromEntries(counts);
}

process.stdout.write(JSON.stringify({ parser: count(parse), linter: count(lint) }));
