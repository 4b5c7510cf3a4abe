import type { DockerfileNode } from './ast.ts';
import { dockerfileError } from './errors.ts';
import { ExpansionError } from './expander.ts';
import { readFlags } from './flags.ts';
import type { HeredocMark } from './heredoc.ts';
import { heredocContent, parseHeredocMark } from './heredoc.ts';
import type { AddInstruction, CopyInstruction, InlineFile } from './instructions.ts';
import type { Word } from './source.ts';
import { locationIn } from './source.ts';

type Own<T> = Omit<T, 'kind' | 'text' | 'node'>;

const shared = { chown: 'text', chmod: 'text', link: 'boolean', exclude: 'texts' } as const;

/** COPY; https://docs.docker.com/reference/dockerfile/#copy */
export function copy(node: DockerfileNode): Own<CopyInstruction> {
  requireTwo(node);
  const flags = readFlags(node, { from: 'text', parents: 'boolean', ...shared });
  const from = flags.text('from');
  if (from !== undefined && /\$./.test(from.text)) {
    throw dockerfileError(
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
      locationIn(node.line, from),
      'Write FROM $IMAGE AS NAME, then --from=NAME.',
    );
  }
  return {
    ...sourcesOf(node),
    ...optional('chown', flags.text('chown')),
    ...optional('chmod', flags.text('chmod')),
    ...optional('from', from?.text === '' ? undefined : from),
    link: flags.boolean('link') ?? false,
    parents: flags.boolean('parents') ?? false,
    excludes: flags.texts('exclude'),
  };
}

/** ADD; https://docs.docker.com/reference/dockerfile/#add */
export function add(node: DockerfileNode): Own<AddInstruction> {
  requireTwo(node);
  const flags = readFlags(node, {
    checksum: 'text',
    'keep-git-dir': 'boolean',
    unpack: 'boolean',
    ...shared,
  });
  return {
    ...sourcesOf(node),
    ...optional('chown', flags.text('chown')),
    ...optional('chmod', flags.text('chmod')),
    ...optional('checksum', flags.text('checksum')),
    ...optional('keepGitDir', flags.boolean('keep-git-dir')),
    ...optional('unpack', flags.boolean('unpack')),
    link: flags.boolean('link') ?? false,
    excludes: flags.texts('exclude'),
  };
}

function optional<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: V });
}

function requireTwo(node: DockerfileNode): void {
  if (node.args.length >= 2) return;
  const name = node.keyword.text.toUpperCase();
  const provided = node.args.length === 0 ? 'none was' : 'only one was';
  throw dockerfileError(
    `${name} requires at least two arguments, but ${provided} provided. Destination could not be determined.`,
    locationIn(node.line, { start: node.keyword.start, end: node.args.at(-1)?.end ?? node.keyword.end }),
    `Write ${name} SOURCE DESTINATION.`,
  );
}

function sourcesOf(node: DockerfileNode): Pick<CopyInstruction, 'sources' | 'files' | 'destination'> {
  const destination = node.args.at(-1) as Word;
  const name = node.keyword.text.toUpperCase();
  if (markOf(node, destination) !== undefined) {
    const message = `${name} cannot accept a heredoc as a destination`;
    throw dockerfileError(
      message,
      locationIn(node.line, destination),
      'Name a destination behind the heredoc.',
    );
  }
  const sources: Word[] = [];
  const files: InlineFile[] = [];
  for (const word of node.args.slice(0, -1)) {
    const mark = markOf(node, word);
    if (mark === undefined) sources.push(word);
    else files.push(inlineFile(node, mark));
  }
  if (node.heredocs.length > files.length) {
    const at = node.args.find(word => /^\d*<<-?$/.test(word.text)) ?? destination;
    const message = `${name} takes no heredoc with a blank or a quoted blank in its name`;
    throw dockerfileError(message, locationIn(node.line, at), 'Write <<NAME in one word.');
  }
  return { sources, files, destination };
}

function markOf(node: DockerfileNode, word: Word): HeredocMark | undefined {
  if (node.json) return undefined;
  try {
    return parseHeredocMark(word.text);
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    throw dockerfileError(error.message, locationIn(node.line, word), 'Close the quote of the heredoc name.');
  }
}

function inlineFile(node: DockerfileNode, mark: HeredocMark): InlineFile {
  // of two heredocs with one name BuildKit takes the content of the last
  const heredoc = node.heredocs.findLast(candidate => candidate.name === mark.name);
  const content =
    heredoc === undefined ? '' : heredocContent({ content: heredoc.content, chomp: mark.chomp });
  return { name: mark.name, content, expand: mark.expand };
}
