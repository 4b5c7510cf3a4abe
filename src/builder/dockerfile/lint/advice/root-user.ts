import { adviceRules } from './advice-rules.ts';
import { isRoot } from './run-habits.ts';
import type { Survey } from './survey.ts';

/** Of an image that says what it runs; others are there to be built upon. */
export function adviseUser({ chain, linter }: Survey): void {
  const lines = chain.flatMap(({ stage }) => stage.instructions);
  const [bottom] = chain;
  const runs = lines.findLast(({ kind }) => kind === 'cmd' || kind === 'entrypoint');
  if (runs === undefined || bottom === undefined) return;
  const user = lines.flatMap(line => (line.kind === 'user' ? [line] : [])).at(-1);
  const isUnknown = user === undefined && /nonroot|rootless|unprivileged/.test(bottom.image);
  if (isUnknown || (user !== undefined && !isRoot(user.user.text))) return;
  linter.report(
    adviceRules.runsAsRoot,
    user === undefined
      ? { node: runs.node, range: runs.node.keyword }
      : { node: user.node, range: user.user },
    {
      message:
        user === undefined
          ? 'nothing says who runs this: it is root, unless the base image says otherwise'
          : 'the program runs as root',
      hint: 'Name a user above this line, and give it the files that it writes:',
      mended: mendedFor(bottom.image),
    },
  );
}

function mendedFor(image: string): readonly string[] {
  // these have no program to make a user with
  if (image === 'scratch' || image.includes('distroless')) return ['USER 65532:65532'];
  const isBusybox = /alpine|busybox/.test(image);
  return [isBusybox ? 'RUN adduser -S -u 10001 app' : 'RUN useradd --system --uid 10001 app', 'USER app'];
}
