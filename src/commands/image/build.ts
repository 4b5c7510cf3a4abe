import { join } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { CheckRequest } from '../../builder/check-build.ts';
import type { BuildResult } from '../../builder/environment.ts';
import { writesToStdout } from '../../builder/export/output.ts';
import { aboutBuild } from '../../cli/about-build.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import * as options from '../../cli/build-options.ts';
import type { ProgressKind } from '../../cli/build-progress.ts';
import { openImages } from '../../cli/open-images.ts';
import { readStdin, stdinBytes } from '../../cli/stdin.ts';
import { HawserError } from '../../errors/hawser-error.ts';

export default class ImageBuild extends BaseCommand {
  static override readonly summary = 'Build an image from a Dockerfile, without a daemon';
  static override readonly aliases = ['build'];
  static override readonly examples = [
    'hawser build -t app .',
    'hawser build -t app:1.0 -f docker/Dockerfile --target release --build-arg VERSION=1.0 .',
    'hawser build --output type=oci,dest=app.tar .',
  ];
  static override readonly args = {
    context: Args.string({
      required: true,
      description: 'a folder, a git repository, the URL of an archive or a Dockerfile, or - for one on stdin',
    }),
  };
  static override readonly flags = {
    file: Flags.string({ char: 'f', description: 'the Dockerfile; - for stdin; default CONTEXT/Dockerfile' }),
    tag: Flags.string({
      char: 't',
      multiple: true,
      multipleNonGreedy: true,
      description: 'name of the image',
      helpValue: 'NAME[:TAG]',
    }),
    'build-arg': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'value of an ARG; of the environment without =VALUE',
      helpValue: 'NAME[=VALUE]',
    }),
    check: Flags.boolean({ description: 'only check the Dockerfile: short for --call=check' }),
    call: Flags.string({
      default: 'build',
      description: 'check the Dockerfile, or show what it takes or what can be built, instead of building',
      helpValue: 'build|check|outline|targets[,format=json]',
    }),
    'build-context': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'a context, image or URL under a name, for FROM and --from',
      helpValue: 'NAME=VALUE',
    }),
    target: Flags.string({ description: 'the stage to build; default the last' }),
    'no-cache': Flags.boolean({ description: 'run every step' }),
    'no-cache-filter': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'run every step of these stages',
      helpValue: 'STAGE[,STAGE]',
    }),
    'cache-from': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'where to look for results of steps that are not here',
      helpValue: 'REF|type=registry,ref=REF|type=local,src=FOLDER',
    }),
    'cache-to': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'where to put the results of steps; mode=max: of stages that are not in the image too',
      helpValue: 'type=registry,ref=REF|type=local,dest=FOLDER|type=inline[,mode=min|max]',
    }),
    pull: Flags.boolean({ description: 'look base images up at their registry although they are here' }),
    network: Flags.string({
      options: ['default', 'host', 'none'],
      default: 'default',
      description: 'of RUN steps',
    }),
    'add-host': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'a line in /etc/hosts of RUN steps',
      helpValue: 'HOST:ADDRESS',
    }),
    'shm-size': Flags.string({ description: 'of /dev/shm of RUN steps; default 64m', helpValue: 'SIZE' }),
    ulimit: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'a limit of RUN steps',
      helpValue: 'NAME=SOFT[:HARD]',
    }),
    'cgroup-parent': Flags.string({
      description: 'the cgroup that RUN steps are put below',
      helpValue: 'PATH',
    }),
    resource: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'what each RUN step may use at most',
      helpValue: 'memory=SIZE,cpus=NUMBER',
    }),
    secret: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'what RUN --mount=type=secret finds; never kept',
      helpValue: 'id=ID[,src=FILE|,env=NAME]',
    }),
    ssh: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'what RUN --mount=type=ssh finds: an agent, or keys',
      helpValue: 'default|ID[=SOCKET|=KEY[,KEY]]',
    }),
    allow: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'a right that RUN may ask for',
      helpValue: 'security.insecure|network.host',
    }),
    label: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'a label of the image',
      helpValue: 'NAME=VALUE',
    }),
    output: Flags.string({
      char: 'o',
      multiple: true,
      multipleNonGreedy: true,
      description: 'where the result goes, instead of the store where that is not among them',
      helpValue: 'type=image|registry|oci|docker|local|tar[,dest=PATH|-][,name=NAME][,push=true]…',
    }),
    push: Flags.boolean({ description: 'push it: short for --output type=image,push=true' }),
    load: Flags.boolean({ description: 'keep it in the store: short for --output type=image' }),
    annotation: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'an annotation of the image',
      helpValue: '[manifest|index|manifest-descriptor|index-descriptor[PLATFORM]:]KEY=VALUE',
    }),
    attest: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'what is said of the image in a statement that refers to it',
      helpValue: 'type=provenance[,mode=min|max]|type=sbom',
    }),
    provenance: Flags.string({
      description: 'say how it was built: short for --attest type=provenance',
      helpValue: 'true|false|mode=max',
    }),
    sbom: Flags.string({
      description: 'list its packages: short for --attest type=sbom',
      helpValue: 'true|false',
    }),
    platform: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'of the image; an index of several',
      helpValue: 'OS/ARCH[/VARIANT][,…]',
    }),
    isolation: Flags.string({
      options: ['auto', 'oci', 'chroot'],
      default: 'auto',
      description: 'of RUN steps',
    }),
    'debug-shell': Flags.boolean({ description: 'open a shell in the state before a RUN step that fails' }),
    squash: Flags.boolean({ description: 'make one layer of all that the build adds to its base image' }),
    timestamp: Flags.string({
      description:
        'the time of all that is new, for equal images of equal sources; default SOURCE_DATE_EPOCH',
      helpValue: 'SECONDS|git|context',
    }),
    jobs: Flags.integer({
      min: 1,
      description: 'steps that run at once; default processors + 1, at least 4',
    }),
    iidfile: Flags.string({ description: "write the image's id to this file", helpValue: 'FILE' }),
    'metadata-file': Flags.string({
      description: 'write digests and names to this file, as JSON with the keys of buildx',
      helpValue: 'FILE',
    }),
    progress: Flags.string({
      options: ['auto', 'plain', 'tty', 'rawjson', 'quiet', 'none'],
      default: 'auto',
      description: 'how to show what happens',
    }),
    trace: Flags.string({ description: 'write a Chrome trace of the build to this file', helpValue: 'FILE' }),
    quiet: Flags.boolean({ char: 'q', description: "only the image's id" }),
  };

  /** A second Ctrl-C while a build cleans up changes nothing. */
  protected override readonly patience = 3;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageBuild, options.withFlagValues(this.argv));
    const [{ buildImage }, cli, { buildEnvironment }, { watchBuild }] = await Promise.all([
      import('../../builder/build.ts'),
      import('../../cli/build-flags.ts'),
      import('../../cli/build-environment.ts'),
      import('../../cli/watch-build.ts'),
    ]);
    const request = {
      ...(await this.#source(args.context, flags)),
      buildArgs: cli.parseAssignments(flags['build-arg'] ?? [], process.env),
      contexts: cli.parseAssignments(flags['build-context'] ?? [], {}),
      ...(await options.platformOptions(flags.platform)),
    };
    const call = flags.check ? 'check' : flags.call;
    if (call !== 'build') return this.#call(call, request);
    const limitStorage = await options.storageLimit(process.env.HAWSER_BUILDER_KEEP_STORAGE);
    const caches = await options.cacheOptions(flags);
    const outputs = await options.outputOptions(flags);
    const place = { context: args.context, env: process.env, signal: this.signal };
    const shell = await debugShellOf(flags['debug-shell']);
    const progress = await watchBuild({
      root: this.roots.root,
      progress: flags.quiet ? 'quiet' : (flags.progress as ProgressKind),
      about: aboutBuild(args.context, flags),
      trace: flags.trace,
    });
    try {
      const building = buildImage(
        {
          ...request,
          labels: cli.parseAssignments(flags.label ?? [], {}),
          tags: flags.tag ?? [],
          ...caches,
          pull: flags.pull,
          squash: flags.squash,
          network: flags.network as 'default' | 'host' | 'none',
          ...cli.parseStepFlags(flags, process.env),
          limits: await options.limitOptions(flags),
          ...outputs,
          ...(flags.jobs === undefined ? {} : { jobs: flags.jobs }),
          ...(await options.timeOptions(flags.timestamp, place)),
        },
        buildEnvironment(this.roots, {
          store: await openImages(this.roots),
          observer: progress.observer,
          isolation: flags.isolation as 'auto' | 'oci' | 'chroot',
          signal: this.signal,
          debugShell: shell?.(work => progress.away(work)),
        }),
      );
      const result = await progress.follow(building);
      if (outputs.outputs?.some(writesToStdout) !== true) this.#tell(result, progress.kind);
      await limitStorage?.(this.roots, await openImages(this.roots), this.signal);
    } finally {
      await progress.stop();
      for (const source of caches.cacheFrom) source.close?.();
    }
  }

  /** What is built, and from where. */
  async #source(
    context: string,
    { file, target }: { readonly file: string | undefined; readonly target: string | undefined },
  ) {
    if (file === '-' && context === '-') {
      throw new HawserError('INVALID_ARGUMENT', 'Dockerfile and context cannot both come from stdin');
    }
    return {
      context,
      ...(context === '-' ? { stdin: stdinBytes(this.signal) } : {}),
      ...(file === '-' ? { dockerfile: await readStdin(this.signal) } : file === undefined ? {} : { file }),
      ...(target === undefined ? {} : { target }),
    };
  }

  #tell({ imageID, names }: BuildResult, progress: ProgressKind): void {
    if (progress === 'quiet') this.print(imageID);
    else if (progress !== 'rawjson')
      this.note([`Image ${imageID}`, ...names.map(name => `  named ${name}`)].join('\n'));
  }

  async #call(text: string, source: Omit<CheckRequest, 'cacheRoot'>): Promise<void> {
    const request = { ...source, cacheRoot: join(this.roots.root, 'build-cache') };
    const [{ answerCall, parseBuildCall }, { configLookUp }] = await Promise.all([
      import('../../cli/build-call.ts'),
      import('../../cli/look-up-config.ts'),
    ]);
    const note = (line: string) => this.note(line);
    const answer = await answerCall(parseBuildCall(text), request, async () =>
      configLookUp(await openImages(this.roots), { note, signal: this.signal }),
    );
    for (const line of answer.lines) this.print(line);
    if (answer.error !== undefined) throw answer.error;
    if (answer.failed) process.exitCode = 1;
  }
}

async function debugShellOf(wanted: boolean) {
  if (!wanted) return undefined;
  const { debugShell, requireTerminal } = await import('../../cli/debug-shell.ts');
  requireTerminal();
  return debugShell;
}
