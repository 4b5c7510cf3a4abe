import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';

export default class RegistryLogout extends BaseCommand {
  static override readonly summary = 'Forget the password of a registry';
  static override readonly aliases = ['logout'];
  static override readonly args = {
    server: Args.string({ description: 'HOST[:PORT]; default Docker Hub' }),
  };
  static override readonly flags = {
    all: Flags.boolean({ char: 'a', description: 'of all registries' }),
    authfile: Flags.string({ description: "another file, in podman's form", env: 'REGISTRY_AUTH_FILE' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryLogout);
    const [{ registryDomain }, { credentialTarget, forgetCredentials }] = await Promise.all([
      import('../../cli/registry-domain.ts'),
      import('../../registry-client/keep-credentials.ts'),
    ]);
    const target = credentialTarget(process.env, flags.authfile);
    const domain = flags.all ? undefined : registryDomain(args.server);
    const forgotten = await forgetCredentials(target, domain);
    for (const name of forgotten) this.print(`Removed login credentials for ${name}`);
    if (forgotten.length === 0) this.note(`Not logged in to ${domain ?? 'any registry'}`);
  }
}
