import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { importDebian } from './support/debian.ts';
import { DockerDaemon } from './support/dockerd.ts';
import { type ServedRegistry, serveDebian, serveHawser } from './support/registry.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

interface Statement {
  readonly _type: string;
  readonly predicateType: string;
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
  readonly predicate: {
    readonly packages: readonly { readonly name: string; readonly versionInfo: string }[];
    readonly buildDefinition: {
      readonly externalParameters: { readonly request: { readonly args: object } };
      readonly resolvedDependencies: readonly {
        readonly uri: string;
        readonly digest: { readonly sha256: string };
      }[];
    };
    readonly runDetails: {
      readonly builder: { readonly id: string };
      readonly metadata: {
        readonly buildkit_metadata: {
          readonly source: { readonly infos: readonly { readonly data: string }[] };
        };
        readonly buildkit_hermetic: boolean;
      };
    };
  };
}

const slsa = 'https://slsa.dev/provenance/v1';
const spdx = 'https://spdx.dev/Document';

describe('attestations', function () {
  this.timeout(300_000);
  let sandbox: Sandbox;
  let docker: DockerDaemon;
  const registries: Record<string, ServedRegistry> = {};

  before(async () => {
    sandbox = await Sandbox.create();
    docker = await DockerDaemon.start();
    await sandbox.importBusybox();
    await sandbox.write({
      'app/Dockerfile': 'FROM busybox\nARG KEY\nCOPY f /f\nRUN echo made > /made\nCMD ["cat", "/f"]\n',
      'app/f': 'file\n',
      'cross/Dockerfile': 'FROM scratch\nCOPY f /f\n',
      'cross/f': 'file\n',
    });
    registries.hawser = await serveHawser(sandbox, join(sandbox.folder, 'volume-hawser'));
    registries.debian = await serveDebian(sandbox, join(sandbox.folder, 'volume-debian'));
  });
  after(async () => {
    for (const registry of Object.values(registries)) await registry.stop();
    await docker?.stop();
    await sandbox?.dispose();
  });

  const path = (...parts: string[]) => join(sandbox.folder, ...parts);
  const skopeo = async (...args: string[]) =>
    (await run(['skopeo', ...args], { check: true, cwd: sandbox.folder })).stdout.trim();
  const statements = async (...args: string[]): Promise<readonly Statement[]> =>
    (await sandbox.hawser('image', 'attestations', ...args)).split('\n').map(line => JSON.parse(line));
  const listed = async (...args: string[]) =>
    (await sandbox.hawser('image', 'attestations', '--format', 'json', ...args))
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as { type: string; platform: string; subject: string });
  const fresh = async () => {
    const other = await Sandbox.create();
    await other.hawser('image', 'ls');
    return other;
  };

  for (const kind of ['hawser', 'debian']) {
    it(`go to a registry (${kind}) beside an image that docker, podman and skopeo take as before`, async () => {
      const name = `${registries[kind]?.host}/attested:1`;
      const flags = ['--provenance', '--sbom', '--metadata-file', 'meta.json'];
      await sandbox.hawser('build', ...flags, '-t', name, '--push', 'app');
      const digest = JSON.parse(readFileSync(path('meta.json'), 'utf8'))['containerimage.digest'] as string;
      const raw = JSON.parse(await skopeo('inspect', '--raw', '--tls-verify=false', `docker://${name}`));
      expect(raw.mediaType).to.equal('application/vnd.oci.image.manifest.v1+json');
      expect(JSON.stringify(raw)).not.to.include('unknown');
      expect(await docker.docker('run', '--rm', '--network', 'none', name)).to.equal('file');
      await skopeo('copy', '-q', '--src-tls-verify=false', `docker://${name}`, `oci:copy-${kind}:x`);
      for (const place of [[], ['--remote']]) {
        expect((await listed(...place, name)).map(({ type }) => type)).to.have.members([slsa, spdx]);
        const [provenance] = await statements('--type', 'provenance', ...place, name);
        expect(provenance?.['_type']).to.equal('https://in-toto.io/Statement/v1');
        expect(provenance?.subject[0]?.digest.sha256).to.equal(digest.slice(7));
        expect(provenance?.subject[0]?.name).to.match(/^pkg:docker\/.*attested@1\?platform=linux%2F/);
      }
    });

    it(`go along when an image is pushed later (${kind}), about what came to be there`, async () => {
      const name = `${registries[kind]?.host}/later:1`;
      await sandbox.hawser('build', '--sbom', '-t', name, 'app');
      const stored = await sandbox.hawser('image', 'inspect', '-f', '{{.Descriptor.digest}}', name);
      await sandbox.hawser('push', '-q', name);
      const pushed = await skopeo(
        'inspect',
        '--tls-verify=false',
        '--format',
        '{{.Digest}}',
        `docker://${name}`,
      );
      expect(pushed).not.to.equal(stored);
      const [statement] = await statements('--type', 'sbom', '--remote', name);
      expect(statement?.subject[0]?.digest.sha256).to.equal(pushed.slice(7));
      await sandbox.hawser('push', '-q', name);
      expect(await listed('--remote', name)).to.have.length(1);
    });
  }

  it('are each of one of several platforms', async () => {
    const name = `${registries.debian?.host}/several:1`;
    await sandbox.hawser(
      'build',
      '--attest',
      'type=provenance,mode=max',
      '--platform',
      'linux/amd64,linux/arm64',
      '--metadata-file',
      'meta.json',
      '-t',
      name,
      '--push',
      'cross',
    );
    const index = JSON.parse(await skopeo('inspect', '--raw', '--tls-verify=false', `docker://${name}`));
    const platforms = index.manifests.map(
      ({ platform }: { platform: { architecture: string } }) => platform.architecture,
    );
    expect(platforms).to.deep.equal(['amd64', 'arm64']);
    expect((await listed('--remote', name)).map(({ platform }) => platform)).to.deep.equal([
      'linux/amd64',
      'linux/arm64',
    ]);
    expect(await listed('--remote', '--platform', 'linux/arm64', name)).to.have.length(1);
    const meta = JSON.parse(readFileSync(path('meta.json'), 'utf8'));
    expect(meta).to.include.keys(
      'buildx.build.provenance/linux/amd64',
      'buildx.build.provenance/linux/arm64',
    );
  });

  it('lie in an OCI archive that skopeo, podman and hawser read', async () => {
    await sandbox.hawser(
      'build',
      '--provenance',
      '--sbom',
      '-t',
      'arch:1',
      '-o',
      'type=oci,dest=oci.tar',
      'app',
    );
    expect(await skopeo('inspect', '--format', '{{len .Layers}}', 'oci-archive:oci.tar:1')).to.equal('3');
    const storage = ['--root', path('podman'), '--runroot', path('podman-run'), '--storage-driver', 'vfs'];
    await run(['podman', ...storage, 'load', '-i', path('oci.tar')], { check: true });
    const other = await fresh();
    try {
      await other.hawser('load', '-q', '-i', path('oci.tar'));
      expect(await other.hawser('image', 'ls', '--format', '{{.Repository}}')).to.equal('arch');
      const types = await other.hawser('image', 'attestations', '--format', '{{.type}}', 'arch:1');
      expect(types.split('\n')).to.deep.equal([slsa, spdx]);
      const inspected = JSON.parse(await other.hawser('image', 'inspect', 'arch:1'))[0];
      expect(await skopeo('inspect', '--format', '{{len .Layers}}', 'oci-archive:oci.tar')).to.equal('3');
      expect(inspected.Attestations.map(({ Type }: { Type: string }) => Type)).to.deep.equal([slsa, spdx]);
    } finally {
      await other.dispose();
    }
  });

  it('stay as long as their image, and go with it', async () => {
    await sandbox.hawser('build', '--sbom', '--label', 'kept=1', '-t', 'kept:1', 'app');
    const [statement] = await statements('--type', 'sbom', 'kept:1');
    await sandbox.hawser('image', 'prune', '-a', '-f', '--filter', 'label=nothing').catch(() => undefined);
    await sandbox.hawser('image', 'prune', '-f');
    expect(await statements('--type', 'sbom', 'kept:1')).to.deep.equal([statement]);
    expect(await sandbox.hawser('system', 'fsck')).not.to.include('damage');
    await sandbox.hawser('image', 'rm', 'kept:1');
    await sandbox.hawser('image', 'prune', '-f');
    const index = readFileSync(join(sandbox.root, 'images/index.json'), 'utf8');
    expect(index).not.to.include(`sha256-${statement?.subject[0]?.digest.sha256}`);
  });

  it('tell what mode=max tells, and min keeps to itself', async () => {
    const flags = ['-t', 'modes:1', '--build-arg', 'KEY=value-of-key', '--label', 'a=b'];
    await sandbox.hawser('build', ...flags, '--provenance=mode=min', 'app');
    const [min] = await statements('--type', 'provenance', 'modes:1');
    await sandbox.hawser('build', ...flags, '--provenance=mode=max,builder-id=https://ci/1', 'app');
    const [max] = await statements('--type', 'provenance', 'modes:1');
    expect(JSON.stringify(min)).not.to.include('value-of-key');
    if (max === undefined) throw new Error('no statement');
    const { buildDefinition, runDetails } = max.predicate;
    const [base] = buildDefinition.resolvedDependencies;
    expect(buildDefinition.externalParameters.request.args).to.deep.equal({
      'build-arg:KEY': 'value-of-key',
      'label:a': 'b',
    });
    expect(base?.uri).to.match(/^pkg:docker\/busybox@latest\?platform=linux/);
    expect(base?.digest.sha256).to.match(/^[0-9a-f]{64}$/);
    expect(runDetails.builder.id).to.equal('https://ci/1');
    const [info] = runDetails.metadata.buildkit_metadata.source.infos;
    expect(Buffer.from(info?.data ?? '', 'base64').toString()).to.match(/^FROM busybox\n/);
    expect(runDetails.metadata.buildkit_hermetic).to.equal(false);
  });

  it('are none where they are turned off, and refuse what is not known', async () => {
    await sandbox.hawser(
      'build',
      '-t',
      'off:1',
      '--label',
      'off=1',
      '--provenance=false',
      '--sbom=false',
      'app',
    );
    expect(await listed('off:1')).to.deep.equal([]);
    for (const [flag, message] of [
      ['--sbom=generator=docker/scout', /runs no other generator/],
      ['--attest=type=vex', /unknown type "vex"/],
      ['--provenance=mode=most', /mode must be one of min, max/],
    ] as const) {
      const { code, stderr } = await sandbox.try(['build', flag, 'app']);
      expect(code, flag).to.be.greaterThan(0);
      expect(stderr).to.match(message);
    }
    const { stderr } = await sandbox.try(['image', 'attestations', '--type', 'sbom', 'off:1']);
    expect(stderr).to.include('Build it with --provenance or --sbom');
  });

  it('list the packages of a Debian image as dpkg-query does', async () => {
    await importDebian(sandbox);
    await sandbox.write({ 'debian/Dockerfile': 'FROM debian:12\nRUN echo x > /x\n' });
    await sandbox.hawser('build', '--sbom', '-t', 'bom:1', '-o', 'files', '--load', 'debian');
    const [statement] = await statements('--type', 'sbom', 'bom:1');
    const format = ['-W', '-f', '${Package} ${Version}\\n'];
    const admin = `--admindir=${path('files/var/lib/dpkg')}`;
    const told = (await run(['dpkg-query', admin, ...format], { check: true })).stdout
      .trim()
      .split('\n')
      .sort();
    const found = statement?.predicate.packages
      .slice(1)
      .map(one => `${one.name} ${one.versionInfo}`)
      .sort();
    expect(found).to.deep.equal(told);
    expect(JSON.stringify(statement)).to.match(/pkg:deb\/debian\/bash@[^"]+arch=[^"]+distro=debian-12/);
  });
});
