/** Something that `hawser system fsck` found in what lies on the disk. */
export interface Finding {
  readonly part:
    | 'blob'
    | 'name'
    | 'lease'
    | 'temporary'
    | 'snapshot'
    | 'build cache'
    | 'container'
    | 'volume';
  /** What it is about: a digest, a name, an id, a path. */
  readonly subject: string;
  readonly problem: string;
  /** `damage` is wrong; `leftover` is what a killed process left, which the next command would sweep as well. */
  readonly severity: 'damage' | 'leftover';
  /** What the user does about what is lost; undefined where the repair mends all. */
  readonly remedy?: string | undefined;
  /** Removes or sets aside what is broken. May find that somebody else has done so. */
  readonly repair?: () => Promise<void>;
}
