import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sandbox } from './sandbox.ts';

/** A RUN line that does not end before `Gate.open`; then it goes on with `command`. */
export function gatedRun(command: string): string {
  return `RUN --mount=type=cache,id=gate,target=/gate while [ ! -e /gate/go ]; do sleep 0.05; done; ${command}`;
}

/** The step of a `gatedRun`, once it has begun. */
export class Gate {
  readonly #sandbox: Sandbox;
  readonly #path: string;

  private constructor(sandbox: Sandbox, path: string) {
    this.#sandbox = sandbox;
    this.#path = path;
  }

  /** Waits until a build in the sandbox is at the step; there may be no other cache mount. */
  static async reached(sandbox: Sandbox): Promise<Gate> {
    const mounts = join(sandbox.root, 'build-cache/mounts');
    for (;;) {
      const keys = existsSync(mounts) ? readdirSync(mounts) : [];
      const key = keys.find(name => existsSync(join(mounts, name, '0')));
      if (key !== undefined) return new Gate(sandbox, `root/build-cache/mounts/${key}/0/go`);
      await delay(10);
    }
  }

  async open(): Promise<void> {
    await this.#sandbox.write({ [this.#path]: '' });
  }
}
