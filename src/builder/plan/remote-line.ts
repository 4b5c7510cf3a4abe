import { HawserError } from '../../errors/hawser-error.ts';
import { type Digest, parseDigest } from '../../image/digest.ts';
import type { AddInstruction, CopyInstruction } from '../dockerfile/instructions.ts';
import type { Word } from '../dockerfile/source.ts';
import type { RemoteSource } from '../execute/remote-source.ts';
import { type GitReference, parseGitReference } from '../remote/git-reference.ts';
import type { RemoteSources } from '../remote/remote-sources.ts';
import type { LineContext } from './line-context.ts';

export interface RemoteWord {
  readonly instruction: CopyInstruction | AddInstruction;
  readonly word: Word;
  /** Of the word, expanded. */
  readonly path: string;
  /** `--checksum`, expanded; empty without. */
  readonly checksum: string;
}

/** What a source word of ADD means that is a git repository or a URL; undefined for a path. */
export function remoteSource(remote: RemoteWord, line: LineContext): RemoteSource | undefined {
  const { word, path, checksum, instruction } = remote;
  const reference = orFail(line, word, () => parseGitReference(path));
  const isUrl = /^https?:\/\//.test(path);
  if (reference === undefined && !isUrl) {
    if (checksum !== '') line.fail('checksum requires HTTP(S) or Git sources', word, 'Take --checksum out.');
    return undefined;
  }
  if (instruction.kind === 'copy') {
    const what = reference === undefined ? 'a URL' : 'a git ref';
    return line.fail(`source can't be ${what} for COPY`, word, 'Use ADD.');
  }
  if (reference !== undefined) {
    const flagged = withFlags(reference, instruction, remote, line);
    return late(line, remotes => remotes.git(flagged));
  }
  if (!URL.canParse(path)) return line.fail(`${JSON.stringify(path)} is no URL`, word, 'Mend the URL.');
  const digest = checksum === '' ? undefined : orFail(line, instruction.checksum, () => sha256(checksum));
  return late(line, remotes => remotes.http(new URL(path), digest));
}

/** What fetches is loaded when something is fetched. */
function late(line: LineContext, choose: (remotes: RemoteSources) => RemoteSource): RemoteSource {
  const load = async () => choose(await line.settings.loadRemotes());
  return { key: async () => (await load()).key(), open: async () => (await load()).open() };
}

/** A URL in the query and a flag may say the same, and must not say different things. */
function withFlags(
  reference: GitReference,
  instruction: AddInstruction,
  { word, checksum }: RemoteWord,
  line: LineContext,
): GitReference {
  const { keepGitDir } = instruction;
  if (keepGitDir !== undefined && (reference.keepGitDir ?? keepGitDir) !== keepGitDir) {
    line.fail('inconsistent keep-git-dir configuration', word, 'Say it once.');
  }
  if (checksum !== '' && (reference.checksum ?? checksum) !== checksum) {
    const values = `${JSON.stringify(checksum)} != ${JSON.stringify(reference.checksum)}`;
    line.fail(`checksum mismatch ${values}`, instruction.checksum, 'Say it once.');
  }
  if (checksum !== '' && !/^[0-9a-f]{7,64}$/.test(checksum)) {
    line.fail(`invalid checksum ${JSON.stringify(checksum)}`, instruction.checksum, 'Write the commit.');
  }
  return {
    ...reference,
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(checksum === '' ? {} : { checksum }),
  };
}

function sha256(text: string): Digest {
  const digest = parseDigest(text);
  if (digest.startsWith('sha256:')) return digest;
  throw new HawserError(
    'DIGEST_INVALID',
    `invalid checksum ${JSON.stringify(text)}: only sha256 is known here`,
  );
}

function orFail<Value>(line: LineContext, word: Word | undefined, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof HawserError)) throw error;
    return line.fail(error.message, word, error.remedy);
  }
}
