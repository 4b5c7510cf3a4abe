import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { HawserError } from '../../errors/hawser-error.ts';

export default class RegistryLogin extends BaseCommand {
  static override readonly summary = 'Keep the password of a registry, as docker login does';
  static override readonly description =
    "It goes to the credential helper that Docker's config.json names, else into that file; docker and podman read it there. Of a registry whose token server hands out refresh tokens, such a token is kept and not the password.";
  static override readonly aliases = ['login'];
  static override readonly examples = [
    'hawser login -u alice --password-stdin registry.example.com <password.txt',
    'hawser login localhost:5000',
  ];
  static override readonly args = {
    server: Args.string({ description: 'HOST[:PORT]; default Docker Hub' }),
  };
  static override readonly flags = {
    username: Flags.string({ char: 'u', description: 'asked for on a terminal' }),
    password: Flags.string({
      char: 'p',
      description: 'seen by everyone on this machine: better by --password-stdin',
      exclusive: ['password-stdin'],
    }),
    'password-stdin': Flags.boolean({ description: 'read the password from stdin' }),
    authfile: Flags.string({ description: "another file, in podman's form", env: 'REGISTRY_AUTH_FILE' }),
    'plain-http': Flags.boolean({ description: 'http, for a registry that is not on loopback' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryLogin);
    const [{ registryDomain }, { checkLogin }, { credentialTarget, keepCredentials }] = await Promise.all([
      import('../../cli/registry-domain.ts'),
      import('../../registry-client/check-login.ts'),
      import('../../registry-client/keep-credentials.ts'),
    ]);
    const domain = registryDomain(args.server);
    if (flags.password !== undefined)
      this.note('A password on the command line is seen by others: use --password-stdin.');
    const username = await this.#username(flags.username, flags['password-stdin']);
    const password = flags.password ?? (await this.#password(flags['password-stdin']));
    const plainHttp = flags['plain-http'];
    const credentials = { kind: 'password', username, password } as const;
    const identityToken = await checkLogin(domain, credentials, { plainHttp, signal: this.signal });
    const target = credentialTarget(process.env, flags.authfile);
    const place = await keepCredentials(target, domain, { username, password, identityToken });
    this.note(`Kept in ${place}`);
    this.print('Login Succeeded');
  }

  async #username(given: string | undefined, isPiped: boolean): Promise<string> {
    if (given !== undefined) return given;
    if (isPiped || !process.stdin.isTTY) {
      throw new HawserError('INVALID_ARGUMENT', 'there is no terminal to ask for the user on', {
        remedy: 'Use --username NAME --password-stdin.',
      });
    }
    const { ask } = await import('../../cli/ask.ts');
    return (await ask('Username: ', this.signal)).trim();
  }

  async #password(isPiped: boolean): Promise<string> {
    let password: string;
    if (isPiped) {
      const { readStdin } = await import('../../cli/stdin.ts');
      password = Buffer.from(await readStdin(this.signal))
        .toString()
        .replace(/\r?\n$/, '');
    } else if (process.stdin.isTTY) {
      const { askSecret } = await import('../../cli/ask.ts');
      password = await askSecret('Password: ', this.signal);
    } else {
      throw new HawserError('INVALID_ARGUMENT', 'there is no terminal to ask for the password on', {
        remedy: 'Use --password-stdin.',
      });
    }
    if (password === '') throw new HawserError('INVALID_ARGUMENT', 'the password is empty');
    return password;
  }
}
