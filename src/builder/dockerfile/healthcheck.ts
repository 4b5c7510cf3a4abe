import type { DockerfileNode } from './ast.ts';
import { parseDuration } from './duration.ts';
import { dockerfileError } from './errors.ts';
import type { Flags } from './flags.ts';
import { readFlags } from './flags.ts';
import type { HealthcheckInstruction, HealthOptions } from './instructions.ts';
import { locationIn } from './source.ts';

type Healthcheck = Pick<HealthcheckInstruction, 'test' | 'options'>;

const none: HealthOptions = { interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };

/** HEALTHCHECK NONE, HEALTHCHECK CMD …; https://docs.docker.com/reference/dockerfile/#healthcheck */
export function healthcheck(node: DockerfileNode): Healthcheck {
  const [type, ...command] = node.args;
  if (type === undefined) {
    const message = 'HEALTHCHECK requires at least one argument';
    throw dockerfileError(message, locationIn(node.line, node.keyword), 'Write HEALTHCHECK CMD COMMAND.');
  }
  const name = type.text.toUpperCase();
  if (name === 'NONE') {
    if (command[0] === undefined) return { test: ['NONE'], options: none };
    const message = 'HEALTHCHECK NONE takes no arguments';
    throw dockerfileError(message, locationIn(node.line, command[0]), 'Remove them.');
  }
  const flags = readFlags(node, {
    interval: 'text',
    timeout: 'text',
    'start-period': 'text',
    'start-interval': 'text',
    retries: 'text',
  });
  if (name !== 'CMD') {
    const message = `Unknown type ${JSON.stringify(name)} in HEALTHCHECK (try CMD)`;
    throw dockerfileError(message, locationIn(node.line, type), 'Write CMD or NONE.');
  }
  if (command.length === 0) {
    const message = 'Missing command after HEALTHCHECK CMD';
    throw dockerfileError(message, locationIn(node.line, type), 'Write HEALTHCHECK CMD COMMAND.');
  }
  return {
    test: [node.json ? 'CMD' : 'CMD-SHELL', ...command.map(word => word.text)],
    options: {
      interval: duration(node, flags, 'interval'),
      timeout: duration(node, flags, 'timeout'),
      startPeriod: duration(node, flags, 'start-period'),
      startInterval: duration(node, flags, 'start-interval'),
      retries: retries(node, flags),
    },
  };
}

function duration(node: DockerfileNode, flags: Flags, name: string): number {
  const word = flags.text(name);
  if (word === undefined || word.text === '') return 0;
  const value = parseDuration(word.text);
  const location = locationIn(node.line, word);
  if (value === undefined) {
    const message = `time: invalid duration ${JSON.stringify(word.text)}`;
    throw dockerfileError(message, location, 'Write a number and a unit, e.g. 30s or 1m30s.');
  }
  if (value !== 0 && value < 1e6) {
    throw dockerfileError(`Interval "${name}" cannot be less than 1ms`, location, 'Use 1ms or more, or 0.');
  }
  return value;
}

function retries(node: DockerfileNode, flags: Flags): number {
  const word = flags.text('retries');
  if (word === undefined || word.text === '') return 0;
  const location = locationIn(node.line, word);
  const value = Number(word.text);
  if (!/^[+-]?\d+$/.test(word.text) || Math.abs(value) >= 2 ** 31) {
    const message = `strconv.ParseInt: parsing ${JSON.stringify(word.text)}: invalid syntax`;
    throw dockerfileError(message, location, 'Write a whole number, e.g. --retries=3.');
  }
  if (value < 0) {
    throw dockerfileError(`--retries cannot be negative (${value})`, location, 'Use 0 or more.');
  }
  return value;
}
