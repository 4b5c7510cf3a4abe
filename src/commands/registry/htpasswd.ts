import { readFile, stat } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';

export default class RegistryHtpasswd extends BaseCommand {
  static override readonly summary = 'Set or remove a password in a file for `auth.htpasswd`';
  static override readonly description =
    'The password is read from stdin. A registry that runs takes the change over at once.';
  static override readonly examples = [
    'hawser registry htpasswd /etc/docker/registry/htpasswd alice <password.txt',
    'hawser registry htpasswd --delete /etc/docker/registry/htpasswd alice',
    'hawser registry htpasswd - alice <password.txt >htpasswd',
  ];
  static override readonly args = {
    file: Args.string({ description: 'the file, or - for stdout', required: true }),
    user: Args.string({ description: 'a name without a colon', required: true }),
  };
  static override readonly flags = {
    cost: Flags.integer({ default: 10, min: 4, max: 17, description: 'rounds of bcrypt, as a power of two' }),
    delete: Flags.boolean({ char: 'D', description: 'remove the user' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryHtpasswd);
    const { file, user } = args;
    const { withPassword } = await import('../../registry-server/auth/htpasswd-file.ts');
    if (!/^[^:\s#][^:\r\n]*$/.test(user)) {
      throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(user)} is no name for a user`, {
        remedy: 'Use one without colons.',
      });
    }
    const old = file === '-' ? '' : await this.#read(file);
    if (flags.delete && !old.split('\n').some(line => line.startsWith(`${user}:`))) {
      throw new HawserError('NOT_FOUND', `there is no user ${JSON.stringify(user)} in ${file}`);
    }
    const hash = flags.delete ? undefined : await this.#hash(flags.cost);
    const changed = withPassword(old, user, hash);
    if (file === '-') {
      process.stdout.write(changed);
      return;
    }
    const { writeFileAtomic } = await import('../../util/atomic-file.ts');
    const mode = await stat(file).then(
      found => found.mode & 0o777,
      () => 0o600,
    );
    await writeFileAtomic(file, changed, { mode });
  }

  async #read(file: string): Promise<string> {
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return '';
      throw new HawserError('INVALID_ARGUMENT', `read ${file}: ${systemErrorCode(error)}`, { cause: error });
    }
  }

  async #hash(cost: number): Promise<string> {
    const { isPlainPassword, passwordLimit } = await import('../../registry-server/auth/password-check.ts');
    if (process.stdin.isTTY) this.note('Password (shown as you type; end with Enter and Ctrl-D):');
    const password = (await text(process.stdin)).replace(/\r?\n$/, '');
    if (password === '') throw new HawserError('INVALID_ARGUMENT', 'there is no password on stdin');
    if (!isPlainPassword(password)) {
      throw new HawserError(
        'INVALID_ARGUMENT',
        `the password has more than ${passwordLimit} bytes, or a NUL`,
        {
          remedy: 'bcrypt looks at no more: choose a shorter one.',
        },
      );
    }
    const { hash } = await import('bcryptjs');
    return await hash(password, cost);
  }
}
