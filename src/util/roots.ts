import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The two folders of one hawser: durable state and transient state. Two roots never see each other. */
export interface Roots {
  /** `HAWSER_ROOT`: images, snapshots, build cache, containers. */
  readonly root: string;
  /** `HAWSER_RUN`: mounts, locks, sockets; gone after a reboot. */
  readonly run: string;
}

/**
 * `HAWSER_ROOT` and `HAWSER_RUN`, else DESIGN's defaults. Setting HAWSER_ROOT alone puts the transient state into a
 * folder inside it, so that one variable is enough to keep two hawsers apart.
 */
export function hawserRoots(env: Readonly<Record<string, string | undefined>>): Roots {
  const isRoot = process.getuid?.() === 0;
  const home = env.HOME ?? homedir();
  const dataHome = env.XDG_DATA_HOME ?? join(home, '.local/share');
  const root = resolve(env.HAWSER_ROOT ?? (isRoot ? '/var/lib/hawser' : join(dataHome, 'hawser')));
  if (env.HAWSER_RUN !== undefined) return { root, run: resolve(env.HAWSER_RUN) };
  if (env.HAWSER_ROOT !== undefined) return { root, run: join(root, 'run') };
  const runtimeFolder = env.XDG_RUNTIME_DIR ?? `/tmp/hawser-${process.getuid?.() ?? 0}`;
  return { root, run: isRoot ? '/run/hawser' : join(runtimeFolder, 'hawser') };
}
