import type { DockerfileNode } from './ast.ts';
import { dockerfileError, suggestion } from './errors.ts';
import { readFlags } from './flags.ts';
import { healthcheck } from './healthcheck.ts';
import type {
  ArgInstruction,
  Argument,
  CommandLine,
  FromInstruction,
  Instruction,
  OnbuildInstruction,
  ShellInstruction,
  StageInstruction,
} from './instructions.ts';
import { keywords } from './instructions.ts';
import { parseDockerfile } from './parse.ts';
import { run } from './run.ts';
import type { Word } from './source.ts';
import { locationIn } from './source.ts';
import { trimSpace } from './space.ts';
import { add, copy } from './transfer.ts';

type Interpreter = (node: DockerfileNode, common: Common) => Instruction;

interface Common {
  readonly text: string;
  readonly node: DockerfileNode;
}

const interpreters: ReadonlyMap<string, Interpreter> = new Map<string, Interpreter>([
  ['add', (node, common) => ({ kind: 'add', ...common, ...add(node) })],
  ['arg', arg],
  ['cmd', (node, common) => ({ kind: 'cmd', ...common, command: commandLine(node) })],
  ['copy', (node, common) => ({ kind: 'copy', ...common, ...copy(node) })],
  ['entrypoint', (node, common) => ({ kind: 'entrypoint', ...common, command: commandLine(node) })],
  ['env', (node, common) => ({ kind: 'env', ...common, pairs: pairs(node) })],
  ['expose', (node, common) => ({ kind: 'expose', ...common, ports: atLeastOne(node) })],
  ['from', from],
  ['healthcheck', (node, common) => ({ kind: 'healthcheck', ...common, ...healthcheck(node) })],
  ['label', (node, common) => ({ kind: 'label', ...common, pairs: pairs(node) })],
  ['maintainer', (node, common) => ({ kind: 'maintainer', ...common, name: exactlyOne(node).text })],
  ['onbuild', onbuild],
  ['run', (node, common) => ({ kind: 'run', ...common, ...run(node), command: wordsOf(node) })],
  ['shell', shell],
  ['stopsignal', (node, common) => ({ kind: 'stopsignal', ...common, signal: exactlyOne(node) })],
  ['user', (node, common) => ({ kind: 'user', ...common, user: exactlyOne(node) })],
  ['volume', (node, common) => ({ kind: 'volume', ...common, paths: volumes(node) })],
  ['workdir', (node, common) => ({ kind: 'workdir', ...common, path: exactlyOne(node) })],
]);

/** Gives a node its meaning; throws DOCKERFILE_INVALID at the word that is wrong, in BuildKit's words. */
export function interpret(node: DockerfileNode): Instruction {
  const keyword = node.keyword.text;
  const interpreter = interpreters.get(keyword.toLowerCase());
  if (interpreter === undefined) {
    const { suffix, remedy } = suggestion(keyword, keywords);
    throw dockerfileError(
      `unknown instruction: ${keyword}${suffix}`,
      locationIn(node.line, node.keyword),
      remedy ?? `Use one of ${keywords.join(', ')}.`,
    );
  }
  return interpreter(node, { text: trimSpace(node.line.text.slice(node.keyword.start)), node });
}

/** Reads an ONBUILD trigger as an image config stores it. `file` names the image in errors. */
export function parseTrigger(text: string, options: { readonly file: string }): StageInstruction {
  const [node] = parseDockerfile(text, options).nodes;
  const instruction = interpret(node as DockerfileNode);
  if (instruction.kind === 'from') throw refusedTrigger(instruction.node);
  return instruction;
}

function commandLine(node: DockerfileNode): CommandLine {
  readFlags(node);
  return wordsOf(node);
}

function wordsOf(node: DockerfileNode): CommandLine {
  return { shell: !node.json, words: node.args.map(word => word.text) };
}

function from(node: DockerfileNode, common: Common): FromInstruction {
  const [image, as, alias, ...more] = node.args;
  const named = alias !== undefined && more.length === 0 && as?.text.toLowerCase() === 'as';
  if (image === undefined || (as !== undefined && !named)) {
    const message = 'FROM requires either one or three arguments';
    throw dockerfileError(
      message,
      locationIn(node.line, rangeOf(node)),
      'Write FROM IMAGE or FROM IMAGE AS NAME.',
    );
  }
  const platform = readFlags(node, { platform: 'text' }).text('platform');
  const base = { kind: 'from' as const, ...common, image, ...(platform === undefined ? {} : { platform }) };
  if (alias === undefined) return base;
  const name = alias.text.toLowerCase();
  if (!/^[a-z][a-z0-9-_.]*$/.test(name)) {
    const message = `invalid name for build stage: ${JSON.stringify(alias.text)}, name can't start with a number or contain symbols`;
    throw dockerfileError(message, locationIn(node.line, alias), 'Use letters, digits, - _ and .');
  }
  return { ...base, name };
}

function arg(node: DockerfileNode, common: Common): ArgInstruction {
  readFlags(node);
  const args = atLeastOne(node).map((word): Argument => {
    const equals = word.text.indexOf('=');
    if (equals < 0) return { name: word };
    if (equals === 0) throw blankName('ARG', node, word);
    const middle = word.start + equals;
    return {
      name: { text: word.text.slice(0, equals), start: word.start, end: middle },
      value: { text: word.text.slice(equals + 1), start: middle + 1, end: word.end },
    };
  });
  return { kind: 'arg', ...common, args };
}

function pairs(node: DockerfileNode): DockerfileNode['pairs'] {
  readFlags(node);
  if (node.pairs.length === 0) throw tooFew(node);
  for (const pair of node.pairs) {
    if (pair.name.text === '') throw blankName(node.keyword.text.toUpperCase(), node, pair.value);
  }
  return node.pairs;
}

function volumes(node: DockerfileNode): readonly Word[] {
  return atLeastOne(node).map(word => {
    const text = trimSpace(word.text);
    if (text !== '') return { ...word, text };
    const message = 'VOLUME specified can not be an empty string';
    throw dockerfileError(message, locationIn(node.line, word), 'Name a folder of the container.');
  });
}

function shell(node: DockerfileNode, common: Common): ShellInstruction {
  readFlags(node);
  if (node.args.length === 0) throw tooFew(node);
  if (!node.json) {
    const message = 'SHELL requires the arguments to be in JSON form';
    throw dockerfileError(message, locationIn(node.line, rangeOf(node)), 'Write SHELL ["/bin/sh", "-c"].');
  }
  return { kind: 'shell', ...common, words: node.args.map(word => word.text) };
}

function onbuild(node: DockerfileNode, common: Common): OnbuildInstruction {
  readFlags(node);
  const second = node.args[0];
  if (second !== undefined) {
    const message = "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed";
    throw dockerfileError(message, locationIn(node.line, second), 'Write one ONBUILD.');
  }
  if (node.trigger === undefined) throw tooFew(node);
  const name = node.trigger.keyword.text.toLowerCase();
  if (name === 'from' || name === 'maintainer') throw refusedTrigger(node.trigger);
  const instruction = interpret(node.trigger);
  if (instruction.kind === 'from') throw refusedTrigger(node.trigger);
  const bodies = node.heredocs.map(heredoc => `\n${heredoc.content}${heredoc.name}`);
  return { kind: 'onbuild', ...common, trigger: instruction.text + bodies.join(''), instruction };
}

function refusedTrigger(node: DockerfileNode): Error {
  const message = `${node.keyword.text.toUpperCase()} isn't allowed as an ONBUILD trigger`;
  return dockerfileError(
    message,
    locationIn(node.line, node.keyword),
    'Use another instruction behind ONBUILD.',
  );
}

function exactlyOne(node: DockerfileNode): Word {
  const [word, ...more] = node.args;
  const name = node.keyword.text.toUpperCase();
  if (word === undefined || more.length > 0) {
    const message = `${name} requires exactly one argument`;
    throw dockerfileError(message, locationIn(node.line, rangeOf(node)), `Write ${name} VALUE.`);
  }
  readFlags(node);
  return word;
}

function atLeastOne(node: DockerfileNode): readonly Word[] {
  if (node.args.length === 0) throw tooFew(node);
  readFlags(node);
  return node.args;
}

function tooFew(node: DockerfileNode): Error {
  const name = node.keyword.text.toUpperCase();
  const location = locationIn(node.line, rangeOf(node));
  return dockerfileError(`${name} requires at least one argument`, location, `Say what ${name} is to do.`);
}

function blankName(keyword: string, node: DockerfileNode, word: Word): Error {
  const message = `${keyword} names can not be blank`;
  return dockerfileError(message, locationIn(node.line, word), 'Write NAME=VALUE.');
}

/** The keyword and its arguments, without the continuation of anything else. */
function rangeOf(node: DockerfileNode): { readonly start: number; readonly end: number } {
  return { start: node.keyword.start, end: node.args.at(-1)?.end ?? node.keyword.end };
}
