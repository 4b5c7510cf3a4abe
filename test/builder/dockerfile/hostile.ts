/** Inputs that made parsers and linters slow, each of about `size` characters. */
export const hostileInputs: Readonly<Record<string, (size: number) => string>> = {
  blanks: size => longLines(size, length => `RUN x${' '.repeat(length)}y`),
  'blanks over continuations': size => `FROM a\nRUN x${`${' '.repeat(1000)}\\\n`.repeat(size / 1000)}`,
  continuations: size => `FROM a\nRUN ${'x \\\n'.repeat(size / 4)}`,
  'empty continuations': size => `FROM a\nRUN \\\n${'\n'.repeat(size)}`,
  comments: size => '# a\n'.repeat(size / 4),
  'comments in continuations': size => `FROM a\nRUN a \\\n${'# b\n'.repeat(size / 4)} c`,
  directives: size => `${'# escape \n'.repeat(size / 10)}FROM a`,
  onbuild: size => longLines(size, length => `${'ONBUILD '.repeat(length / 8)}x`),
  'onbuild over continuations': size => `FROM a\n${'ONBUILD \\\n'.repeat(size / 10)}x\n`,
  brackets: size => longLines(size, length => `CMD ${'['.repeat(length)}`),
  'brackets over continuations': size => `FROM a\nCMD ${'[\\\n'.repeat(size / 3)}`,
  substitutions: size => longLines(size, length => `RUN <<${'${a:-'.repeat(length / 5)}`),
  'heredocs without end': size => longLines(size, length => `RUN ${'<<a '.repeat(length / 4)}`),
  'heredocs with their end': size => `FROM a\n${'RUN <<a\nb\na\n'.repeat(size / 12)}`,
  'heredoc bodies': size => `FROM a\nRUN <<a\n${'\t\tb\\\n'.repeat(size / 5)}a\n`,
  'heredoc quotes': size => longLines(size, length => `RUN <<${'"'.repeat(length)}`),
  'heredoc marks': size => longLines(size, length => `RUN ${'<'.repeat(length)}`),
  escapes: size => longLines(size, length => `ENV a=${'\\'.repeat(length)}`),
  flags: size => `FROM a\nRUN ${'--mount=target=/a \\\n'.repeat(size / 20)}x`,
  pairs: size => `FROM a\nENV ${'a=b \\\n'.repeat(size / 6)}c=d`,
  arguments: size => `FROM a\nARG ${'a=b \\\n'.repeat(size / 6)}c=d`,
  stages: size => 'FROM a AS b\n'.repeat(size / 12),
  'stages on each other': size => lines(size, index => `FROM a${index} AS A${index + 1}`),
  'copies from stages': size => lines(size, index => `FROM a AS b${index}\nCOPY --from=b${index - 1} a b`),
  variables: size => `FROM scratch\n${lines(size, index => `ENV a${index}=$b${index}`)}`,
  runs: size => `FROM debian\nUSER 0\n${'RUN sudo apt-get install -y a && cd b\n'.repeat(size / 40)}`,
  'runs in a heredoc': size => `FROM debian\nRUN <<E\n${'sudo apt-get install a\n'.repeat(size / 24)}E`,
  'commands of a run': size => `FROM a\nRUN ${'apt-get install --a=$(b) && \\\n'.repeat(size / 33)} b`,
  'copies and installs': size => `FROM a\n${'COPY . /\nRUN npm ci\n'.repeat(size / 20)}`,
};

function lines(size: number, line: (index: number) => string): string {
  return Array.from({ length: size / 30 }, (_, index) => line(index)).join('\n');
}

/** Of a length that BuildKit takes, in a number that grows with the size. */
function longLines(size: number, line: (length: number) => string): string {
  const length = Math.min(30_000, size / 4);
  return `FROM a\n${`${line(length)}\n`.repeat(size / length)}`;
}
