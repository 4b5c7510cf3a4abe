/** A difference from Debian's BuildKit, which is that of Docker 20.10 of 2020, that is meant. */
export interface AllowedDifference {
  readonly name: string;
  readonly reason: string;
  /** Of `compareImages`. */
  readonly lines: RegExp;
  /** Names of the cases where it may occur; in all of them when left out. */
  readonly cases?: RegExp;
}

/*
 * Where that version and a later one (Dockerfile frontend 1.2x) differ, hawser does as the later one. Each entry must occur
 * in some case, or the suite fails.
 */
export const allowedDifferences: readonly AllowedDifference[] = [
  {
    name: 'flags in the history of COPY and ADD',
    reason: 'later versions write --chown and --chmod into the history',
    lines: /^history \d+: (COPY|ADD) --ch(own|mod)=\S+ (.*), BuildKit \1 (?!--)/,
  },
  {
    name: 'values in the history of ARG',
    reason: 'later versions write the value that an ARG has, not its default',
    lines: /^history \d+: ARG (\w+)=.* \(empty\), BuildKit ARG \1(=\S+)? \(empty\)$/,
  },
  {
    name: 'ARGs in the history of RUN',
    reason: 'later versions name each ARG once, and those of the stage below too',
    lines: /^history \d+: RUN \|\d .*, BuildKit RUN /,
    cases: /^trap 3[23]:/,
  },
  {
    name: 'ports in the history of EXPOSE',
    reason: 'later versions print a list instead of a map',
    lines: /^history \d+: EXPOSE \[.*\] \(empty\), BuildKit EXPOSE map\[/,
  },
  {
    name: 'start interval in the history of HEALTHCHECK',
    reason: 'HEALTHCHECK --start-interval came later',
    lines: /^history \d+: HEALTHCHECK &\{\[.*\] "\S+" "\S+" "\S+" "0s" .*, BuildKit HEALTHCHECK &\{\[/,
  },
  {
    name: 'paths in the history of WORKDIR',
    reason: 'later versions write the path that the line comes to',
    lines: /^history \d+: WORKDIR \/y\/z, BuildKit WORKDIR \/x\/\.\.\/y\/\/z\/\.\/$/,
  },
  {
    name: 'times of folders of the context',
    reason: 'later versions keep them through the transfer of the context',
    lines: /^layer \d+ \S+ mtime: 1577934245, BuildKit now$/,
  },
  {
    name: 'mode of the folders that COPY --chmod makes',
    reason: 'later versions apply --chmod to implied parents (BuildKit test testCopyChmod)',
    lines: /^layer \d+ \S+ mode: 7[17]{2}, BuildKit 755$/,
    cases: /^trap 5:/,
  },
  {
    name: 'FIFOs and devices',
    reason: 'later versions copy them instead of leaving them out or making files of them',
    lines: /^layer 0 \/x\/(fifo: fifo|disk|null)/,
    cases: /^trap 20:/,
  },
  {
    name: 'the primary group of a step',
    reason: 'later versions put it among the supplementary ones (CVE-2023-25173)',
    lines: /^layer 2 \/0 (size|content): /,
    cases: /^trap 40: USER by name/,
  },
  {
    name: 'owner of what ADD --chown extracts',
    reason: 'later versions apply --chown to the entries of an archive',
    lines: /^layer 1 \/2\/\S+ owner: 8:9, BuildKit/,
    cases: /^trap 27:/,
  },
  {
    name: 'what mounts leave',
    reason: 'later versions take away what a mount needed in the image (buildkit#3148)',
    lines: /^layer \d+ \/(c|m|t|w|w\/rel|run|run\/secrets|n): nothing, BuildKit (directory|file) \d+ 0:0$/,
    cases: /^trap (49|5[01]):/,
  },
  {
    name: 'copied up and not changed',
    reason:
      'the differ of Docker 20.10 writes all that the overlay holds; later ones compare it with what was there',
    lines:
      /^layer \d+ (\/(c|d|x\S*): nothing, BuildKit (file|directory|symlink) \d+ 0:0.*|\/e names: nothing, BuildKit c e)$/,
    cases: /^(trap 5[68]:|the same files twice)/,
  },
];
