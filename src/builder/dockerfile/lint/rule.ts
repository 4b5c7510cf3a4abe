/** A rule of Dockerfiles, as data; the checks that find where it is not kept name it. */
export interface LintRule {
  /** What `# check=skip=` takes. */
  readonly name: string;
  readonly description: string;
  readonly url?: string;
  /** Only found where `# check=experimental=` asks for it. */
  readonly experimental?: boolean;
  /** Of ours: only `image lint` tells it, and a build does not. */
  readonly advice?: boolean;
}
